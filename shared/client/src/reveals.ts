import {
  commitHash,
  type Digest,
  type EncoderId,
  embeddingDigest,
  type SignedCommit,
  type SignedReveal,
} from "@soma/protocol";
import type { GatewayClient } from "./gateway-client.ts";
import { pause } from "./waiting.ts";

/** Vectors that no gateway has yet are asked for again after this. */
const FETCH_AGAIN_MS = 500;
/**
 * Addresses that are asked for at once for one encoder. A reveal's signature does not cover where its vectors are, so
 * that others may copy it with addresses at which there never will be any.
 */
const ADDRESSES = 8;

export interface Revealed {
  readonly reveal: SignedReveal;
  /** BCS of `EmbeddingBlob`. */
  readonly blob: Uint8Array;
}

export interface RevealsOptions {
  readonly client: Pick<GatewayClient, "getBlob">;
  readonly chainId: string;
  /** The commit of an encoder that the selection on the ledger holds; undefined while that is not known. */
  readonly committed: (encoder: EncoderId) => SignedCommit["commit"] | undefined;
  readonly changed: () => void;
}

/** Reveals with their vectors, fetched by content address and checked against what was committed (GAME-5). */
export class Reveals {
  readonly #o: RevealsOptions;
  readonly #known = new Map<EncoderId, Revealed>();
  /** What stops each question, the longest asked first. */
  readonly #fetching = new Map<EncoderId, Map<Digest, AbortController>>();

  constructor(options: RevealsOptions) {
    this.#o = options;
  }

  get known(): ReadonlyMap<EncoderId, Revealed> {
    return this.#known;
  }

  /**
   * Fetches the vectors of a reveal that its encoder signed, until a gateway has them, or `stop`, or too many newer
   * addresses for the same encoder.
   * @param vectors SHA-256 of the blob
   */
  async fetch(signed: SignedReveal, vectors: Digest, stop: AbortSignal): Promise<void> {
    const { encoder } = signed.reveal;
    const asked = this.#fetching.get(encoder) ?? new Map<Digest, AbortController>();
    if (this.#known.has(encoder) || asked.has(vectors)) return;
    this.#fetching.set(encoder, asked);
    const [longest] = asked;
    if (asked.size >= ADDRESSES && longest !== undefined) {
      longest[1].abort();
      asked.delete(longest[0]);
    }
    const own = new AbortController();
    asked.set(vectors, own);
    try {
      await this.#fetch(signed, vectors, AbortSignal.any([stop, own.signal]));
    } finally {
      if (asked.get(vectors) === own) asked.delete(vectors);
    }
  }

  async #fetch(signed: SignedReveal, vectors: Digest, stop: AbortSignal): Promise<void> {
    const { client, chainId, committed, changed } = this.#o;
    const { reveal } = signed;
    const commit = committed(reveal.encoder);
    const expected = commitHash(chainId, reveal.encoder, reveal.job, reveal.embeddingDigest);
    if (commit !== undefined && commit.commitHash !== expected) return;
    let blob = await client.getBlob(vectors);
    while (blob === undefined && !stop.aborted) {
      await pause(FETCH_AGAIN_MS, stop);
      blob = await client.getBlob(vectors);
    }
    if (blob === undefined || embeddingDigest(chainId, blob) !== reveal.embeddingDigest) return;
    this.#known.set(reveal.encoder, { reveal: signed, blob });
    for (const other of this.#fetching.get(reveal.encoder)?.values() ?? []) other.abort();
    changed();
  }
}
