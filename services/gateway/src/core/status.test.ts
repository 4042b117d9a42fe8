import { expect, test } from "vitest";
import { statusOf } from "./status.ts";

test.each([
  ["REQUEST_TIMEOUT", 503],
  ["MEMPOOL_POOL_FULL", 429],
  ["GATEWAY_BLOB_NOT_FOUND", 404],
  ["CODEC_TOO_LARGE", 413],
  ["CODEC_MALFORMED", 400],
  ["MEMPOOL_SEQUENCE_STALE", 422],
  ["REQUEST_FAILED", 502],
  ["STATE_BEHIND", 503],
  ["GATEWAY_HALTED", 503],
])("%s is %i", (code, status) => expect(statusOf(code).status).toBe(status));
