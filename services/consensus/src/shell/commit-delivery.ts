import { COMMIT_PART_BYTES, CommitDecided, type CommitPart } from "@soma/contracts";
import type { Commit, Digest, Hex32 } from "@soma/protocol";
import { type Bus, HEADER } from "@soma/runtime";
import { encodeTraces } from "@soma/telemetry";
import type { VerifiedBlock } from "../core/index.ts";
import type { TransactionTraces } from "./traces.ts";

interface Delivered {
  readonly commit: Commit;
  readonly digest: Digest;
  readonly beacon: Hex32;
  readonly blocks: readonly VerifiedBlock[];
}

/** A commit's transactions in order, cut into messages that fit the stream. */
export function commitParts({ commit, digest, beacon, blocks }: Delivered): CommitPart[] {
  const cut: CommitPart["transactions"][] = [[]];
  let size = 0;
  for (const { ref, body } of blocks) {
    for (const bytes of body.transactions) {
      if (size + bytes.length > COMMIT_PART_BYTES) {
        cut.push([]);
        size = 0;
      }
      cut.at(-1)!.push({ author: ref.author, bytes });
      size += bytes.length + 8;
    }
  }
  return cut.map((transactions, part) => ({ commit, digest, beacon, part, parts: cut.length, transactions }));
}

/** Commits that wait for the stream, with their blocks in memory; beyond, the executor asks for them when it is there. */
const MAX_WAITING = 64;

/** Sends commits to the executor in order, beside the core's work. What is lost here is asked for by index. */
export class CommitDelivery {
  readonly #bus: Bus;
  readonly #onError: (error: unknown) => void;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(bus: Bus, onError: (error: unknown) => void) {
    this.#bus = bus;
    this.#onError = onError;
  }

  deliver(commit: Delivered, traces: TransactionTraces): void {
    if (this.#waiting >= MAX_WAITING) return;
    this.#waiting += 1;
    this.#tail = this.#tail
      .then(() => this.#send(commit, "", traces))
      .catch(this.#onError)
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  /** Sends one commit now; `repeat` gets past the stream's window of duplicates. */
  send(commit: Delivered, repeat: string): Promise<void> {
    return this.#send(commit, `-${repeat}`);
  }

  async close(): Promise<void> {
    await this.#tail;
  }

  async #send(commit: Delivered, suffix: string, traces?: TransactionTraces): Promise<void> {
    const headers =
      traces === undefined || traces.size === 0 ? {} : { [HEADER.traces]: encodeTraces(traces) };
    for (const part of commitParts(commit)) {
      const messageId = `${part.digest}-${part.part}${suffix}`;
      await this.#bus.publish(CommitDecided, {}, part, { messageId, headers });
    }
  }
}
