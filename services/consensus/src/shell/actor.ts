import { SomaError } from "@soma/base";
import type { ValidatorId } from "@soma/protocol";
import { outsideSpans } from "@soma/telemetry";
import { type ConsensusEffect, type ConsensusInput, type ConsensusState, step } from "../core/index.ts";

/** An input without its times, which the actor's clocks add when it is taken up. */
export type Told<I = ConsensusInput> = I extends unknown ? Omit<I, "nowMs" | "wallMs"> : never;

export interface ActorOptions {
  readonly state: ConsensusState;
  /** Carries out one effect; the next waits for it. What it throws ends the service. */
  readonly perform: (effect: ConsensusEffect) => Promise<void>;
  readonly refused: (input: Told, code: string) => void;
  readonly stepped: (seconds: number, waiting: number) => void;
  readonly fail: (error: unknown) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** The time of day. */
  readonly wallNow: () => number;
}

/** What may wait of one peer (CONS-11); more is dropped, since whoever needs it asks or sends again. */
const MAX_OF_PEER = { inputs: 512, bytes: 32 * 1024 * 1024 } as const;

/**
 * The one owner of the consensus core: takes inputs one after another and carries out each step's effects in
 * order before the next step.
 */
export class ConsensusActor {
  readonly #options: ActorOptions;
  readonly #queue: Told[] = [];
  readonly #ofPeers = new Map<ValidatorId, { inputs: number; bytes: number }>();
  /** Inputs that wait in the queue or for their next try, by kind. */
  readonly #pending = new Map<Told["kind"], number>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /** Whether an input of this kind was told and not dealt with yet. */
  isPending(kind: Told["kind"]): boolean {
    return (this.#pending.get(kind) ?? 0) > 0;
  }

  /** False if it was dropped. */
  tell(input: Told): boolean {
    if (this.#closed || !this.#admit(input)) return false;
    this.#pending.set(input.kind, (this.#pending.get(input.kind) ?? 0) + 1);
    this.#enqueue(input);
    return true;
  }

  /** Takes no more inputs and waits for the one in hand. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    await this.#running;
  }

  #enqueue(input: Told): void {
    if (this.#closed) return;
    this.#queue.push(input);
    // The loop goes on for others: it must not run in the span of whoever woke it.
    this.#running ??= outsideSpans(() => this.#run());
  }

  #admit(input: Told): boolean {
    if (!("from" in input)) return true;
    const held = this.#ofPeers.get(input.from) ?? { inputs: 0, bytes: 0 };
    const bytes = held.bytes + sizeOf(input);
    if (held.inputs >= MAX_OF_PEER.inputs || (held.inputs > 0 && bytes > MAX_OF_PEER.bytes)) return false;
    this.#ofPeers.set(input.from, { inputs: held.inputs + 1, bytes });
    return true;
  }

  #release(input: Told): void {
    this.#pending.set(input.kind, (this.#pending.get(input.kind) ?? 1) - 1);
    if (!("from" in input)) return;
    const held = this.#ofPeers.get(input.from);
    if (held === undefined) return;
    if (held.inputs === 1) this.#ofPeers.delete(input.from);
    else this.#ofPeers.set(input.from, { inputs: held.inputs - 1, bytes: held.bytes - sizeOf(input) });
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#take(this.#queue.shift()!);
      // In the same turn in which the queue was found empty: an input told right after it starts the loop again.
      this.#running = undefined;
    } catch (error) {
      this.#closed = true;
      this.#options.fail(error);
    }
  }

  async #take(told: Told): Promise<void> {
    const { state, perform, refused, stepped, now, wallNow } = this.#options;
    const began = performance.now();
    const { effects, verdict } = step(state, { ...told, nowMs: now(), wallMs: wallNow() } as ConsensusInput);
    stepped((performance.now() - began) / 1000, this.#queue.length);
    for (const effect of effects) {
      if (effect.kind === "fatal") throw new SomaError(effect.code, effect.message);
      await perform(effect);
    }
    if (verdict.kind === "reject") refused(told, verdict.code);
    if (verdict.kind === "defer") {
      const again = setTimeout(() => this.#enqueue(told), verdict.delayMs);
      again.unref();
    } else {
      this.#release(told);
    }
  }
}

/** Bytes of the blocks that an input holds. */
function sizeOf(input: Told): number {
  return "blocks" in input ? input.blocks.reduce((sum, { bytes }) => sum + bytes.length, 0) : 0;
}
