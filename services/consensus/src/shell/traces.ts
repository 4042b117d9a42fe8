import { type Digest, transactionDigest } from "@soma/protocol";
import {
  decodeTraces,
  sampledTraceparent,
  type Telemetry,
  TraceBook,
  type Traceparent,
} from "@soma/telemetry";
import type { CommittedSubDag, VerifiedBlock } from "../core/index.ts";

/** Traces of single transactions, by digest. */
export type TransactionTraces = ReadonlyMap<Digest, Traceparent>;

const NONE: TransactionTraces = new Map();

/**
 * Follows traced transactions through blocks and commits. Both are batches, so they link what they carry: a block's
 * span the transactions', a commit's span the blocks'. Nothing of it stands in a block; what is forgotten or lost
 * costs a link. Bounded by its books, and empty where nothing is traced.
 */
export class ConsensusTraces {
  readonly #telemetry: Telemetry;
  readonly #chainId: string;
  readonly #transactions = new TraceBook();
  readonly #blocks = new TraceBook();
  /** Traced transactions of own blocks, by block. */
  readonly #carried = new Map<Digest, TransactionTraces>();

  constructor(telemetry: Telemetry, chainId: string) {
    this.#telemetry = telemetry;
    this.#chainId = chainId;
  }

  /** A batch from the mempool came with this header. */
  taken(header: string | undefined): void {
    for (const [digest, traceparent] of decodeTraces(header)) {
      this.#transactions.remember(digest, traceparent);
    }
  }

  /** A peer's block came: whatever span is active led to it. */
  received(block: VerifiedBlock): void {
    this.#blocks.remember(block.ref.digest, sampledTraceparent());
  }

  /** Sends an own block, the first time in a span that links the transactions in it. */
  proposing(block: VerifiedBlock, send: () => Promise<void>): Promise<void> {
    const { digest, round } = block.ref;
    if (this.#transactions.size === 0 || this.#blocks.get(digest) !== undefined) return send();
    const digests = block.body.transactions.map((bytes) => transactionDigest(this.#chainId, bytes));
    const carried = this.#transactions.of(digests);
    if (carried.size === 0) return send();
    this.#transactions.forget(carried.keys());
    const options = { links: [...carried.values()], attributes: { "soma.round": round } };
    return this.#telemetry.withSpan("propose block", options, (span) => {
      this.#blocks.remember(digest, span.traceparent);
      this.#carried.set(digest, carried);
      if (this.#carried.size > 256) this.#carried.delete(this.#carried.keys().next().value!);
      // In the transaction's own trace too, so that it shows there in which block it went.
      for (const [transaction, parent] of carried) {
        const attributes = { "soma.transaction": transaction };
        const about = { parent, links: [span.traceparent], attributes };
        this.#telemetry.withSpan("include transaction", about, () => {});
      }
      return send();
    });
  }

  /** Hands a commit on, in a span that links the traced blocks in it. */
  ordered({ commit, blocks }: CommittedSubDag, deliver: (traces: TransactionTraces) => void): void {
    const digests = blocks.map(({ ref }) => ref.digest);
    const links = [...this.#blocks.of(digests).values()];
    if (links.length === 0) {
      deliver(NONE);
      return;
    }
    const traces = new Map(digests.flatMap((digest) => [...(this.#carried.get(digest) ?? NONE)]));
    this.#blocks.forget(digests);
    for (const digest of digests) this.#carried.delete(digest);
    const attributes = { "soma.commit": Number(commit.index) };
    this.#telemetry.withSpan("order commit", { links, attributes }, () => deliver(traces));
  }
}
