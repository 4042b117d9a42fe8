import type { SequenceSnapshot } from "../core/index.ts";

type Written<T> = T extends bigint
  ? string
  : T extends readonly (infer E)[]
    ? Written<E>[]
    : T extends object
      ? { [K in keyof T]: Written<T[K]> }
      : T;

/** A snapshot as JSON text, bigints as decimal strings. */
export function formatSnapshot(snapshot: SequenceSnapshot): string {
  return JSON.stringify(snapshot, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

/** The inverse, for text that this service wrote itself. */
export function parseSnapshot(text: string): SequenceSnapshot {
  const written = JSON.parse(text) as Written<SequenceSnapshot>;
  return {
    ...written,
    epoch: BigInt(written.epoch),
    index: BigInt(written.index),
    timestampMs: BigInt(written.timestampMs),
    scores: written.scores.map(BigInt),
    scheduleScores: written.scheduleScores?.map(BigInt) ?? null,
  };
}
