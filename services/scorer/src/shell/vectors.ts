import { fetchBlob } from "@soma/client";
import { sleep } from "@soma/runtime";
import type { BlobFolder } from "@soma/storage";
import { type EvaluationRequest, isRevealed, largestBlob } from "../core/evaluate-request.ts";

export interface VectorsOptions {
  /** The operator's own blobs: its own encoder's vectors are there. */
  readonly own: BlobFolder;
  /** Blobs fetched at once. */
  readonly downloads: number;
  readonly timeoutMs: number;
  readonly rounds: number;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
}

/** Vectors may come to a gateway a moment after their address came to us. */
const PAUSE_MS = 250;

/** The revealed blobs in the order of the request; undefined where nobody serves what was revealed. */
export async function fetchVectors(
  request: EvaluationRequest,
  options: VectorsOptions,
): Promise<(Uint8Array | undefined)[]> {
  const { own, downloads, rounds, timeoutMs, fetch, signal } = options;
  const blobs = new Array<Uint8Array | undefined>(request.reveals.length).fill(undefined);
  const maxBytes = largestBlob(request);
  for (let round = 0; round < rounds && !signal.aborted; round++) {
    const missing = [...blobs.keys()].filter((i) => blobs[i] === undefined);
    if (missing.length === 0) break;
    if (round > 0) await sleep(PAUSE_MS, signal);
    const take = async (): Promise<void> => {
      for (let i = missing.shift(); i !== undefined; i = missing.shift()) {
        const reveal = request.reveals[i]!;
        const { gateways } = request;
        const bytes =
          (await own.get(reveal.vectors)) ??
          (await fetchBlob({ gateways, hash: reveal.vectors, maxBytes, timeoutMs, signal, fetch }));
        if (bytes !== undefined && isRevealed(request, reveal, bytes)) blobs[i] = bytes;
      }
    };
    await Promise.all(Array.from({ length: downloads }, take));
  }
  return blobs;
}
