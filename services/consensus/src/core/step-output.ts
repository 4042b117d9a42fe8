import type { ConsensusEffect, FatalCode, StoredCommit } from "./effect.ts";
import type { VerifiedBlock } from "./verified-block.ts";

/** Collects what one step brings about; what must be stored comes out first. */
export class StepOutput {
  readonly #blocks: VerifiedBlock[] = [];
  readonly #commits: StoredCommit[] = [];
  readonly #effects: ConsensusEffect[] = [];
  #fatal = false;

  store(block: VerifiedBlock): void {
    this.#blocks.push(block);
  }

  commit(commit: StoredCommit): void {
    this.#commits.push(commit);
    const { snapshot: _, ...committed } = commit;
    this.#effects.push({ kind: "deliver-commit", ...committed });
  }

  emit(effect: ConsensusEffect): void {
    this.#effects.push(effect);
  }

  fatal(code: FatalCode, message: string): void {
    this.#fatal = true;
    this.#effects.push({ kind: "fatal", code, message });
  }

  get isFatal(): boolean {
    return this.#fatal;
  }

  effects(): ConsensusEffect[] {
    if (this.#blocks.length === 0 && this.#commits.length === 0) return this.#effects;
    return [{ kind: "persist", blocks: this.#blocks, commits: this.#commits }, ...this.#effects];
  }
}
