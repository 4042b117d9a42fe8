import { SomaError } from "@soma/base";
import { outsideSpans } from "@soma/telemetry";
import { type ConsensusEffect, type ConsensusInput, type ConsensusState, step } from "../core/index.ts";

/** An input without its time, which the actor's clock adds when it is taken up. */
export type Told<I = ConsensusInput> = I extends unknown ? Omit<I, "nowMs"> : never;

export interface ActorOptions {
  readonly state: ConsensusState;
  /** Carries out one effect; the next waits for it. What it throws ends the service. */
  readonly perform: (effect: ConsensusEffect) => Promise<void>;
  /** Called when the queue ran empty. */
  readonly idle: () => Promise<void>;
  readonly refused: (input: Told, code: string) => void;
  readonly stepped: (seconds: number, waiting: number) => void;
  readonly fail: (error: unknown) => void;
  readonly now: () => number;
}

/** Inputs that may wait; live blocks beyond it are dropped, since the DAG repairs their loss. */
const MAX_WAITING = 4_096;

/**
 * The one owner of the consensus core: takes inputs one after another and carries out each step's effects in
 * order before the next step.
 */
export class ConsensusActor {
  readonly #options: ActorOptions;
  readonly #queue: Told[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** False if it was dropped. */
  tell(input: Told): boolean {
    if (this.#closed) return false;
    if (this.#queue.length >= MAX_WAITING && input.kind === "blocks-received") return false;
    this.#queue.push(input);
    // The loop goes on for others: it must not run in the span of whoever woke it.
    this.#running ??= outsideSpans(() => this.#run()).finally(() => {
      this.#running = undefined;
    });
    return true;
  }

  /** Takes no more inputs and waits for the one in hand. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#take(this.#queue.shift()!);
        if (this.#queue.length === 0) await this.#options.idle();
      }
    } catch (error) {
      this.#closed = true;
      this.#options.fail(error);
    }
  }

  async #take(told: Told): Promise<void> {
    const { state, perform, refused, stepped, now } = this.#options;
    const began = performance.now();
    const { effects, verdict } = step(state, { ...told, nowMs: now() } as ConsensusInput);
    stepped((performance.now() - began) / 1000, this.#queue.length);
    for (const effect of effects) {
      if (effect.kind === "fatal") throw new SomaError(effect.code, effect.message);
      await perform(effect);
    }
    if (verdict.kind === "reject") refused(told, verdict.code);
    if (verdict.kind === "defer") {
      const again = setTimeout(() => this.tell(told), verdict.delayMs);
      again.unref();
    }
  }
}
