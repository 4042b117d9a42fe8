import type { Result } from "@soma/base";
import { type Codec, decodeExact, encode } from "@soma/codec";
import type { BinaryCodec } from "./payload.ts";

/** A BCS type as the payload of a message: canonical, bounded, never throwing on what arrives. */
export function bcsPayload<T extends Input, Input>(codec: Codec<T, Input>, maxBytes: number): BinaryCodec<T> {
  return {
    encode: (payload: T) => encode(codec, payload),
    decode: (bytes): Result<T> => decodeExact<T, Input>(codec, bytes, maxBytes),
  };
}

/** Bytes as they are: what carries its own encoding and checks. */
export const rawPayload: BinaryCodec<Uint8Array> = {
  encode: (payload) => payload,
  decode: (bytes) => ({ ok: true, value: bytes }),
};
