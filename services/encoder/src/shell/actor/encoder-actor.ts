import type { Verdict } from "@soma/actor";
import type { Hex32 } from "@soma/protocol";
import { sleep } from "@soma/runtime";
import { type Telemetry, type Traceparent, within } from "@soma/telemetry";
import type { EncoderContext } from "../../core/context.ts";
import type { EncoderEffect } from "../../core/effect.ts";
import type { EncoderInput } from "../../core/input.ts";
import { type EncoderState, emptyState } from "../../core/state.ts";
import { step } from "../../core/step.ts";
import type { EncoderMetrics } from "../metrics.ts";
import type { BulkKind, EncoderStore } from "./store.ts";

/** Bytes that came with an input and are kept if the step says so. */
export interface InputBytes {
  /** Blob of an `embedded` input, or final vectors of an `evaluated` one. */
  readonly bulk?: Uint8Array;
  /** The light client after this input: stored with the next step that changes a job, at the latest. */
  readonly light?: () => Uint8Array;
  /** Store it now. */
  readonly isLightDue?: boolean;
}

export interface EncoderActorDeps {
  readonly context: EncoderContext;
  readonly store: EncoderStore;
  readonly telemetry: Telemetry;
  readonly metrics: EncoderMetrics;
  /** Carries one effect out; what it throws is logged, and the core asks again in time. */
  readonly carryOut: (effect: EncoderEffect) => Promise<void>;
  /** The database refused a step: memory and disk no longer agree, so the service must start anew. */
  readonly fail: (error: unknown) => void;
}

/**
 * The one place where the encoder's state changes: inputs one after another, each durable before its effects
 * leave. Effects of one job leave in their order; those of different jobs do not wait for each other.
 */
export class EncoderActor {
  readonly #deps: EncoderActorDeps;
  readonly #traces = new Map<string, Traceparent | undefined>();
  readonly #leaving = new Map<string, Promise<void>>();
  #state: EncoderState;
  #tail: Promise<unknown> = Promise.resolve();
  #hasFailed = false;
  #light: (() => Uint8Array) | undefined;
  #wake: () => void = () => {};

  private constructor(deps: EncoderActorDeps, state: EncoderState) {
    this.#deps = deps;
    this.#state = state;
  }

  /** Goes on with the jobs of the last process; `resumed` must follow once the epochs are known. */
  static open(deps: EncoderActorDeps, jobs: Parameters<typeof emptyState>[0]): EncoderActor {
    return new EncoderActor(deps, emptyState(jobs));
  }

  get state(): EncoderState {
    return this.#state;
  }

  /** No job is open, and no message waits for what the ledger says next. */
  get isAtRest(): boolean {
    return this.#state.jobs.size === 0 && this.#state.early.size === 0;
  }

  /** Waits while there is nothing to do, at most `ms` milliseconds, or until `signal` aborts. */
  async rest(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isAtRest || signal.aborted) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    signal.addEventListener("abort", this.#wake);
    await sleep(ms, woken.signal);
    signal.removeEventListener("abort", this.#wake);
  }

  /** Takes one input. Resolves when the step is durable; its effects may still be on their way. */
  give(input: EncoderInput, bytes: InputBytes = {}): Promise<Verdict> {
    const done = this.#tail.then(() => this.#take(input, bytes));
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Waits for inputs and effects that are under way. */
  async idle(): Promise<void> {
    await this.#tail;
    await Promise.all(this.#leaving.values());
  }

  async #take(input: EncoderInput, bytes: InputBytes): Promise<Verdict> {
    if (this.#hasFailed) throw new Error("the encoder has failed");
    const before = this.#state;
    const { state, effects, verdict } = step(this.#deps.context, before, input);
    const jobs = [...state.jobs.values()].filter((job) => before.jobs.get(job.id) !== job);
    const forgotten = effects.flatMap((effect) => (effect.kind === "forget" ? [effect.job] : []));
    if (bytes.light !== undefined) this.#light = bytes.light;
    // A stored job without the light client that saw it would miss what the ledger does with it next.
    const isLightDue = bytes.isLightDue === true || jobs.length + forgotten.length > 0;
    try {
      await this.#deps.store.write({
        jobs,
        forgotten,
        bulk: effects.flatMap((effect) => kept(effect, bytes.bulk)),
        light: isLightDue ? this.#light?.() : undefined,
      });
      if (isLightDue) this.#light = undefined;
    } catch (error) {
      this.#hasFailed = true;
      this.#deps.fail(error);
      throw error;
    }
    this.#state = state;
    if (!this.isAtRest) this.#wake();
    const { metrics } = this.#deps;
    metrics.jobs.set(state.jobs.size);
    metrics.head.set(Number(state.head));
    if (verdict.kind === "reject") metrics.refused.add(1, { code: verdict.code });
    if (input.kind === "message") this.#follow(input);
    for (const effect of effects) this.#leave(effect);
    return verdict;
  }

  /** The trace of the job's offer is the trace of everything that follows from it. */
  #follow(input: Extract<EncoderInput, { kind: "message" }>): void {
    if (input.relayed.message.$kind !== "Offer") return;
    const { job } = input.relayed;
    if (this.#traces.has(job) || !this.#state.jobs.has(job)) return;
    this.#deps.telemetry.withSpan("offer", { attributes: { "soma.job": job } }, (span) => {
      this.#traces.set(job, span.traceparent);
    });
  }

  #leave(effect: EncoderEffect): void {
    const { job } = effect;
    if (effect.kind === "forget") this.#traces.delete(job);
    const before = this.#leaving.get(job) ?? Promise.resolve();
    const parent = this.#traces.get(job);
    const about = { attributes: { "soma.job": job }, ...(parent === undefined ? {} : { parent }) };
    const run = () => this.#deps.carryOut(effect);
    const stage = stageOf(effect);
    const task = before
      .then(() =>
        stage === undefined ? within(parent, run) : this.#deps.telemetry.withSpan(stage, about, run),
      )
      .catch((error: unknown) => {
        this.#deps.telemetry.log.warn({ job, effect: effect.kind, error: String(error) }, "an effect failed");
      })
      .finally(() => {
        if (this.#leaving.get(job) === task) this.#leaving.delete(job);
      });
    this.#leaving.set(job, task);
  }
}

function kept(
  effect: EncoderEffect,
  bytes: Uint8Array | undefined,
): { job: Hex32; kind: BulkKind; bytes: Uint8Array }[] {
  if (effect.kind !== "keep-vectors" && effect.kind !== "keep-finals") return [];
  if (bytes === undefined) throw new Error(`${effect.kind} without bytes`);
  return [{ job: effect.job, kind: effect.kind === "keep-vectors" ? "vectors" : "finals", bytes }];
}

/** The name of the job's stage in traces; undefined for what only notes something. */
function stageOf(effect: EncoderEffect): string | undefined {
  switch (effect.kind) {
    case "send":
      return `send ${Object.keys(effect.message)[0]!.toLowerCase()}`;
    case "fetch-items":
      return "fetch";
    case "request-inference":
      return "ask inference";
    case "publish-vectors":
      return "reveal";
    case "fetch-vectors":
      return "fetch vectors ahead";
    case "request-evaluation":
      return "ask evaluation";
    case "submit":
      return `post ${effect.post}`;
    case "submit-final-proof":
      return "aggregate";
    default:
      return undefined;
  }
}
