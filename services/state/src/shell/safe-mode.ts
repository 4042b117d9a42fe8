import type { Digest } from "@soma/protocol";
import type { Logger } from "@soma/telemetry";
import type { HaltPoint } from "../core/index.ts";
import type { StateMetrics } from "./metrics.ts";

/** Why and where the ledger stands still. */
export interface Halt extends HaltPoint {
  readonly code: string;
  readonly message: string;
  /** Of this process's monotonic clock. */
  readonly since: number;
}

/** Refusals of the ledger by which it halts, rather than its process: all validators meet them alike. */
export const HALTING: ReadonlySet<string> = new Set([
  "SUPPLY_BREACH",
  "LEDGER_FAULT",
  "OVERRIDE_POINT",
  "OVERRIDE_ENTRY",
]);

/** DESIGN section 4: keeps what is, executes and signs nothing more, says why, and answers questions. */
export class SafeMode {
  readonly #metrics: StateMetrics;
  readonly #log: Logger;
  #halt: Halt | null = null;

  constructor(metrics: StateMetrics, log: Logger) {
    this.#metrics = metrics;
    this.#log = log;
    metrics.halted.set(0);
  }

  get halt(): Halt | null {
    return this.#halt;
  }

  /** Halted at this point, or still, perhaps for another reason than before. */
  enter(point: HaltPoint, { code, message }: { readonly code: string; readonly message: string }): void {
    const before = this.#halt;
    const isSame = before !== null && before.commit === point.commit && before.stage === point.stage;
    this.#halt = { ...point, code, message, since: isSame ? before.since : performance.now() };
    this.#metrics.halted.set(1);
    if (isSame && before.code === code) return;
    const { epoch, commit, commitDigest, stateDigest, stage } = point;
    this.#log.error(
      {
        code: "STATE_HALTED",
        cause: code,
        reason: message,
        stage,
        epoch: String(epoch),
        commit: String(commit),
        commitDigest,
        stateDigest,
      },
      `halted at the ${stage} of commit ${commit}: nothing is executed or signed until it is mended or overridden`,
    );
  }

  /** The ledger goes on; `override` names what made it. */
  leave(override: Digest | null): void {
    if (this.#halt === null) return;
    const { commit, stage } = this.#halt;
    this.#halt = null;
    this.#metrics.halted.set(0);
    this.#log.warn({ commit: String(commit), stage, override }, "the halt is over");
  }
}
