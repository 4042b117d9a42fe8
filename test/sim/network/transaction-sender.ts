import type { Rng } from "@soma/base";
import type { TransactionKindInput } from "@soma/protocol";
import type { Actor } from "./actors.ts";
import type { NetworkWorld } from "./world.ts";

const RETRY_MS = 300;
/** A transaction that no commit shows by then is given up: its time may have passed. */
const GIVE_UP_MS = 6_000;

interface Sent {
  readonly kind: TransactionKindInput;
  readonly sinceMs: number;
  sequence: bigint | null;
}

/**
 * Sends one account's transactions one after another, each with the next sequence number that some validator names. What
 * it names is not believed, only tried: a wrong one costs time.
 */
export class TransactionSender {
  readonly #world: NetworkWorld;
  readonly #actor: Actor;
  readonly #rng: Rng;
  /** The node by which it reaches the network. */
  readonly #node: string;
  #queue: Sent[] = [];
  #isAsking = false;
  /** The highest that was ever named: a validator that names less is behind. */
  #next = 0n;
  #life = 0;

  constructor(world: NetworkWorld, actor: Actor, rng: Rng, node: string) {
    this.#world = world;
    this.#actor = actor;
    this.#rng = rng;
    this.#node = node;
  }

  send(kind: TransactionKindInput): void {
    this.#queue.push({ kind, sinceMs: this.#world.scheduler.nowMs, sequence: null });
    this.#ask();
  }

  /** The process died: what was queued is forgotten. */
  restart(): void {
    this.#life += 1;
    this.#queue = [];
    this.#isAsking = false;
  }

  /** A validator's word on the account's next sequence number. */
  answered(sequence: bigint, epoch: bigint): void {
    const [first] = this.#queue;
    if (first === undefined || sequence < this.#next) return;
    this.#next = sequence;
    if (first.sequence !== null && sequence > first.sequence) {
      this.#queue.shift();
      this.answered(sequence, epoch);
      return;
    }
    first.sequence = sequence;
    const bytes = this.#actor.transaction({ kind: first.kind, sequence, expiryEpoch: epoch + 1n, tip: 5n });
    for (const to of this.#some(2)) this.#world.links.send(this.#node, to, { type: "transaction", bytes });
  }

  #some(count: number): string[] {
    return this.#rng.shuffle(this.#world.ids).slice(0, count);
  }

  #ask(): void {
    if (this.#isAsking) return;
    const { nowMs } = this.#world.scheduler;
    while (this.#queue[0] !== undefined && nowMs - this.#queue[0].sinceMs > GIVE_UP_MS) this.#queue.shift();
    if (this.#queue.length === 0) return;
    this.#isAsking = true;
    const life = this.#life;
    const { address } = this.#actor;
    for (const to of this.#some(1)) this.#world.links.send(this.#node, to, { type: "ask-account", address });
    this.#world.scheduler.after(RETRY_MS, () => {
      if (life !== this.#life) return;
      this.#isAsking = false;
      this.#ask();
    });
  }
}
