import type { Hex32 } from "@soma/protocol";
import type { EncoderEffect } from "../../core/effect.ts";
import type { EncoderJob } from "../../core/job.ts";
import type { EncoderState } from "../../core/state.ts";
import type { StepWrites } from "./store.ts";

/** Bytes that came with an input and are kept if the step says so. */
export interface InputBytes {
  /** Blob of an `embedded` input, or final vectors of an `evaluated` one. */
  readonly bulk?: Uint8Array;
  /** The light client after this input: stored with the next step that changes a job, at the latest. */
  readonly light?: () => Uint8Array;
  /** Store it now. */
  readonly isLightDue?: boolean;
}

type Kept = StepWrites["bulk"][number];

/** Steps that were taken one after another, and what all of them leave behind. */
export class StepsTaken {
  readonly #jobs = new Map<Hex32, EncoderJob>();
  readonly #forgotten: Hex32[] = [];
  readonly #bulk: Kept[] = [];
  #state: EncoderState;
  #light: InputBytes["light"];
  #isLightDue = false;

  constructor(state: EncoderState) {
    this.#state = state;
  }

  /** After the last step. */
  get state(): EncoderState {
    return this.#state;
  }

  /** The light client after the last input that brought one. */
  get light(): InputBytes["light"] {
    return this.#light;
  }

  /** A stored job without the light client that saw it would miss what the ledger does with it next. */
  get isLightDue(): boolean {
    return this.#isLightDue || this.#jobs.size + this.#forgotten.length > 0;
  }

  /** A job was forgotten: what comes after may be about its rows, so it is written after them. */
  get hasForgotten(): boolean {
    return this.#forgotten.length > 0;
  }

  /** @throws Error, and changes nothing, if bytes are missing. */
  add(
    made: { readonly state: EncoderState; readonly effects: readonly EncoderEffect[] },
    bytes: InputBytes,
  ): void {
    const { state, effects } = made;
    this.#bulk.push(...effects.flatMap((effect) => kept(effect, bytes.bulk)));
    for (const job of state.jobs.values())
      if (this.#state.jobs.get(job.id) !== job) this.#jobs.set(job.id, job);
    for (const effect of effects) if (effect.kind === "forget") this.#forget(effect.job);
    if (bytes.light !== undefined) this.#light = bytes.light;
    if (bytes.isLightDue === true) this.#isLightDue = true;
    this.#state = state;
  }

  #forget(job: Hex32): void {
    this.#jobs.delete(job);
    this.#forgotten.push(job);
  }

  /** `light` is the newest light client that is not stored yet, if there is one. */
  writes(light: InputBytes["light"]): StepWrites {
    return {
      jobs: [...this.#jobs.values()],
      forgotten: this.#forgotten,
      bulk: this.#bulk,
      light: this.isLightDue ? light?.() : undefined,
    };
  }
}

function kept(effect: EncoderEffect, bytes: Uint8Array | undefined): Kept[] {
  if (effect.kind !== "keep-vectors" && effect.kind !== "keep-finals") return [];
  if (bytes === undefined) throw new Error(`${effect.kind} without bytes`);
  return [{ job: effect.job, kind: effect.kind === "keep-vectors" ? "vectors" : "finals", bytes }];
}
