import type { Verdict } from "@soma/actor";
import { sleep } from "@soma/runtime";
import { type Telemetry, type Traceparent, within } from "@soma/telemetry";
import type { EncoderContext } from "../../core/context.ts";
import type { EncoderEffect } from "../../core/effect.ts";
import type { EncoderInput } from "../../core/input.ts";
import { type EncoderState, emptyState } from "../../core/state.ts";
import { step } from "../../core/step.ts";
import type { EncoderMetrics } from "../metrics.ts";
import { type InputBytes, StepsTaken } from "./steps-taken.ts";
import type { EncoderStore } from "./store.ts";

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

interface Waiting {
  readonly input: EncoderInput;
  readonly bytes: InputBytes;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

/** Inputs that are written together, at most. */
const MAX_TOGETHER = 32;

/** More than jobs are open at once: what waits for a job that never comes is given up first. */
const MAX_TRACES = 4_096;

/**
 * The one place where the encoder's state changes: inputs one after another, each durable before its effects
 * leave. What came while others were written is written together. Effects of one job leave in their order; those of
 * different jobs do not wait for each other.
 */
export class EncoderActor {
  readonly #deps: EncoderActorDeps;
  readonly #traces = new Map<string, Traceparent | undefined>();
  readonly #leaving = new Map<string, Promise<void>>();
  #state: EncoderState;
  readonly #waiting: Waiting[] = [];
  #taking: Promise<void> | undefined;
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
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    this.#waiting.push({ input, bytes, resolve, reject });
    this.#taking ??= this.#takeAll();
    return promise;
  }

  /** Waits for inputs and effects that are under way. */
  async idle(): Promise<void> {
    await this.#taking;
    await Promise.all(this.#leaving.values());
  }

  async #takeAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#takeSome();
    this.#taking = undefined;
  }

  async #takeSome(): Promise<void> {
    const steps = new StepsTaken(this.#state);
    const taken: { readonly waiting: Waiting; readonly made: ReturnType<typeof step> }[] = [];
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        if (this.#hasFailed) throw new Error("the encoder has failed");
        const made = step(this.#deps.context, steps.state, next.input);
        steps.add(made, next.bytes);
        taken.push({ waiting: next, made });
      } catch (error) {
        next.reject(error);
      }
      if (taken.length === MAX_TOGETHER || steps.hasForgotten) break;
    }
    if (steps.light !== undefined) this.#light = steps.light;
    try {
      await this.#deps.store.write(steps.writes(this.#light));
      if (steps.isLightDue) this.#light = undefined;
    } catch (error) {
      this.#hasFailed = true;
      this.#deps.fail(error);
      for (const { waiting } of taken) waiting.reject(error);
      return;
    }
    this.#state = steps.state;
    if (!this.isAtRest) this.#wake();
    const { metrics } = this.#deps;
    metrics.jobs.set(this.#state.jobs.size);
    metrics.head.set(Number(this.#state.head));
    for (const { waiting, made } of taken) {
      if (made.verdict.kind === "reject") metrics.refused.add(1, { code: made.verdict.code });
      if (waiting.input.kind === "message") this.#follow(waiting.input);
      for (const effect of made.effects) this.#leave(effect);
      waiting.resolve(made.verdict);
    }
  }

  /**
   * The trace of the job's offer is the trace of everything that follows from it, also of one that came before the ledger's
   * word of the job and waits for it.
   */
  #follow(input: Extract<EncoderInput, { kind: "message" }>): void {
    if (input.relayed.message.$kind !== "Offer") return;
    const { job } = input.relayed;
    const { jobs, early } = this.#state;
    if (this.#traces.has(job) || !(jobs.has(job) || early.has(job))) return;
    this.#deps.telemetry.withSpan("offer", { attributes: { "soma.job": job } }, (span) => {
      this.#traces.set(job, span.traceparent);
      if (this.#traces.size > MAX_TRACES) this.#traces.delete(this.#traces.keys().next().value!);
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
