import { SomaError } from "@soma/base";
import { bcs, encode } from "@soma/codec";
import type { GetLedgerUpdate, Reply } from "@soma/contracts";

/** Checkpoints whose updates one answer has at most. */
export const MOST_UPDATES = 8;
/** Newest checkpoints whose updates are kept: light clients of one gateway ask for the same ones, at about the same time. */
const KEPT = MOST_UPDATES;
/** Of an answer, after which no further checkpoint is added. */
const ENOUGH_BYTES = 2 * 1024 * 1024;
/** News of checkpoints this young tell what there is; older ones may be those of a connection that broke. */
const FRESH_MS = 400;

/** Asks the ledger for one part of a checkpoint's update. @throws what it is refused with */
export type AskPart = (sequence: bigint, part: number) => Promise<Reply<typeof GetLedgerUpdate>>;

/** Answers to light clients, each read from the ledger once however many ask. */
export class LedgerUpdates {
  readonly #askPart: AskPart;
  readonly #read = new Map<bigint, Promise<Uint8Array[] | undefined>>();
  #newest = 0n;
  #heardAtMs = Number.NEGATIVE_INFINITY;

  constructor(askPart: AskPart) {
    this.#askPart = askPart;
  }

  /** Notes that a checkpoint was certified. */
  certified(sequence: bigint): void {
    if (sequence > this.#newest) this.#newest = sequence;
    this.#heardAtMs = performance.now();
  }

  /**
   * BCS of a vector of `LedgerUpdate` bytes of this checkpoint and of those after it that are certified, at most `most`
   * checkpoints; undefined if it is not certified yet. @throws SomaError
   */
  async from(sequence: bigint, most: number): Promise<Uint8Array | undefined> {
    const found = await this.#of(sequence);
    if (found === undefined) return undefined;
    const updates = [...found];
    for (let ahead = 1n; ahead < BigInt(most); ahead++) {
      if (updates.reduce((sum, { length }) => sum + length, 0) >= ENOUGH_BYTES) break;
      const next = sequence + ahead > this.#newest ? undefined : await this.#of(sequence + ahead);
      if (next === undefined) break;
      updates.push(...next);
    }
    return encode(bcs.vector(bcs.byteVector()), updates);
  }

  async #of(sequence: bigint): Promise<Uint8Array[] | undefined> {
    if (sequence > this.#newest && performance.now() - this.#heardAtMs < FRESH_MS) return undefined;
    const known = this.#read.get(sequence);
    if (known !== undefined) return known;
    const reading = this.#ask(sequence);
    this.#read.set(sequence, reading);
    const forget = () => {
      if (this.#read.get(sequence) === reading) this.#read.delete(sequence);
    };
    reading.then((update) => update ?? forget(), forget);
    for (const other of this.#read.keys()) {
      if (this.#read.size <= KEPT) break;
      this.#read.delete(other);
    }
    return reading;
  }

  async #ask(sequence: bigint): Promise<Uint8Array[] | undefined> {
    const first = await this.#askPart(sequence, 0);
    if (first === null) return undefined;
    const updates = [first.update];
    for (let index = 1; index < first.parts; index++) {
      const next = await this.#askPart(sequence, index);
      if (next === null) throw new SomaError("REQUEST_TIMEOUT", "a part of the update is gone; ask again");
      updates.push(next.update);
    }
    return updates;
  }
}
