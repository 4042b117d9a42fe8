// Decoders with one fault each, which the harness must find.
import { err, ok, type Result } from "@soma/base";
import type { FuzzTarget } from "./target.ts";

const MAGIC = Uint8Array.of(7, 3, 1, 4, 1, 5, 9, 2, 6, 5);

/** Of a format of ten bytes: a length, so many bytes, a flag. */
function mutant(name: string, decode: (bytes: Uint8Array) => unknown): FuzzTarget {
  return {
    name,
    form: "bytes",
    maxBytes: 300_000,
    corpus: () => [MAGIC],
    decode: decode as FuzzTarget["decode"],
    codes: ["SHORT", "FLAG"],
  };
}

/** The decoder as it should be. */
function sound(bytes: Uint8Array): Result<Uint8Array> {
  const length = bytes[0] ?? 0;
  if (bytes.length < length + 2) return err("SHORT", "too short");
  if (bytes[length + 1]! > 9 || bytes.length > length + 3) return err("FLAG", "no such flag");
  return ok(bytes.subarray(1, length + 1));
}

const kept: number[][] = [];

export const TARGETS: readonly FuzzTarget[] = [
  mutant("sound", sound),
  mutant("throws", (bytes) => {
    if (bytes.length > 0 && bytes[0]! > bytes.length) throw new RangeError("past the end");
    return sound(bytes);
  }),
  mutant("other-code", (bytes) =>
    bytes[9] === 0 ? err("SURPRISE", "a code that nobody knows") : sound(bytes),
  ),
  mutant("reads-behind", (bytes) => {
    const behind = new Uint8Array(bytes.buffer, bytes.byteOffset)[bytes.length];
    return bytes.length < 9 && behind !== undefined ? ok(bytes) : sound(bytes);
  }),
  {
    ...mutant("not-canonical", (bytes) => (sound(bytes).ok ? ok(bytes[0]) : sound(bytes))),
    encode: (length: number) => Uint8Array.of(length, ...MAGIC.subarray(1)),
  },
  mutant("writes", (bytes) => {
    if (bytes.length > 0) bytes[0] = 0;
    return sound(bytes);
  }),
  mutant("dawdles", (bytes) => {
    const began = process.threadCpuUsage().user;
    while (bytes.length > 20 && process.threadCpuUsage().user - began < 600_000) kept.length = 0;
    return sound(bytes);
  }),
  mutant("inflates", (bytes) =>
    bytes.length > 10_000 ? ok(Array.from({ length: 40_000 + 5 * bytes.length }, () => 0)) : sound(bytes),
  ),
  mutant("hangs", (bytes) => {
    while (bytes[0] === 0xff) kept.length = 0;
    return sound(bytes);
  }),
  mutant("hoards", (bytes) => {
    while (bytes[1] === 0xff) kept.push(new Array<number>(1_000_000).fill(0.5));
    return sound(bytes);
  }),
];
