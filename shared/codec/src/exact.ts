import { err, ok, type Result } from "@soma/base";
import { Reader } from "./reader.ts";

/** What a BCS type can do. */
export interface Codec<T, Input> {
  /** Of the type, for messages. */
  readonly name: string;
  /** Takes the canonical form of a value alone. */
  readonly read: (reader: Reader) => T;
  encode(value: Input): Uint8Array;
}

/** Canonical bytes of a value. @throws on a value outside its type: a bug of the caller, never a peer's doing. */
export function encode<Input>(codec: Pick<Codec<unknown, Input>, "encode">, value: Input): Uint8Array {
  return codec.encode(value);
}

/**
 * Decodes bytes from anyone. Refuses what is longer than `maxBytes` (`CODEC_TOO_LARGE`), does not decode
 * (`CODEC_MALFORMED`), or is more than the one canonical form of its value (`CODEC_NOT_CANONICAL`: trailing bytes), so
 * that no two byte strings mean the same thing. Costs time and memory proportional to the bytes, and the answer's
 * code does not depend on where they lie.
 */
export function decodeExact<T extends Input, Input>(
  codec: Codec<T, Input>,
  bytes: Uint8Array,
  maxBytes: number,
): Result<T> {
  if (bytes.length > maxBytes) {
    return err("CODEC_TOO_LARGE", `${bytes.length} bytes for a ${codec.name}, at most ${maxBytes} are taken`);
  }
  try {
    const reader = new Reader(bytes);
    const value = codec.read(reader);
    if (reader.left > 0) {
      return err(
        "CODEC_NOT_CANONICAL",
        `${bytes.length} bytes that begin as a ${codec.name}, but are not the canonical encoding of one`,
      );
    }
    return ok(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err("CODEC_MALFORMED", `${bytes.length} bytes that are no ${codec.name}: ${reason}`);
  }
}
