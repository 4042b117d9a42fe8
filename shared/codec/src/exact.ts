import type { BcsReader } from "@mysten/bcs";
import { bytesEqual, err, ok, type Result } from "@soma/base";
import { BoundedReader } from "./bounded-reader.ts";

/** What a BCS type can do. */
export interface Codec<T, Input> {
  /** Of the type, for messages. */
  readonly name: string;
  read(reader: BcsReader): T;
  serialize(value: Input): { toBytes(): Uint8Array };
}

/** Canonical bytes of a value. @throws on a value outside its type: a bug of the caller, never a peer's doing. */
export function encode<Input>(codec: Pick<Codec<unknown, Input>, "serialize">, value: Input): Uint8Array {
  return codec.serialize(value).toBytes();
}

/**
 * Decodes bytes from anyone. Refuses what is longer than `maxBytes` (`CODEC_TOO_LARGE`), does not decode
 * (`CODEC_MALFORMED`), or is not the one canonical form of its value (`CODEC_NOT_CANONICAL`: trailing bytes), so
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
    const value = codec.read(new BoundedReader(bytes));
    if (!bytesEqual(codec.serialize(value).toBytes(), bytes)) {
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
