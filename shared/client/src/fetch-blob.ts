import { createHash } from "node:crypto";
import type { Hex32 } from "@soma/protocol";
import { activeTraceparent } from "@soma/telemetry";
import { blobGateways } from "./blob-gateways.ts";

export interface BlobRequest {
  /** Base URLs, asked one after another in the blob's own order. */
  readonly gateways: readonly string[];
  /** SHA-256 of the blob. */
  readonly hash: Hex32;
  /** A longer answer is broken off: another blob than the wanted one, since its size is known to be less. */
  readonly maxBytes: number;
  /** Milliseconds for one gateway, default 10 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Instead of the global one, as in `HttpOptions`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** A blob by its SHA-256 from the first gateway that has it; hashed and bounded. Undefined if none serves it. */
export async function fetchBlob(request: BlobRequest): Promise<Uint8Array | undefined> {
  for (const gateway of blobGateways(request.gateways, request.hash)) {
    const bytes = await fetchFrom(gateway, request).catch(() => undefined);
    if (bytes !== undefined) return bytes;
    if (request.signal?.aborted === true) return undefined;
  }
  return undefined;
}

async function fetchFrom(gateway: string, request: BlobRequest): Promise<Uint8Array | undefined> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? 10_000);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  const url = `${gateway.replace(/\/+$/, "")}/v1/blobs/${request.hash}`;
  const traceparent = activeTraceparent();
  const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  const { fetch = globalThis.fetch } = request;
  const response = await fetch(url, { signal, redirect: "error", headers });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    return undefined;
  }
  const digest = createHash("sha256");
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    size += part.length;
    // Leaving the loop cancels the download.
    if (size > request.maxBytes) return undefined;
    digest.update(part);
    parts.push(part);
  }
  return digest.digest("hex") === request.hash ? new Uint8Array(Buffer.concat(parts, size)) : undefined;
}
