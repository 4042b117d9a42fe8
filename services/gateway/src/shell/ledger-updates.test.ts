import { SomaError } from "@soma/base";
import { bcs, encode } from "@soma/codec";
import { describe, expect, test } from "vitest";
import { LedgerUpdates, MOST_UPDATES } from "./ledger-updates.ts";

/** State as its gateway sees it: updates of two parts up to a sequence, and how often it was asked. */
function open() {
  const state = { newest: 0n, asked: 0, isAway: false };
  const updates = new LedgerUpdates(async (sequence, part) => {
    state.asked++;
    if (state.isAway) throw new SomaError("REQUEST_TIMEOUT", "away");
    return sequence > state.newest ? null : { update: Uint8Array.of(Number(sequence), part), parts: 2 };
  });
  return { state, updates };
}
const bytesOf = (...sequences: number[]) =>
  encode(
    bcs.vector(bcs.byteVector()),
    sequences.flatMap((sequence) => [Uint8Array.of(sequence, 0), Uint8Array.of(sequence, 1)]),
  );

describe("ledger updates", () => {
  test("are read once however many ask, and the newest are kept", async () => {
    const { state, updates } = open();
    state.newest = 3n;
    const answers = await Promise.all([1, 2, 3].map(() => updates.from(1n, 1)));
    expect(answers).toEqual([bytesOf(1), bytesOf(1), bytesOf(1)]);
    expect(state.asked).toBe(2);
    await updates.from(2n, 1);
    await updates.from(3n, 1);
    expect(await updates.from(3n, 1)).toEqual(bytesOf(3));
    expect(state.asked).toBe(6);
    state.newest = 20n;
    for (let sequence = 4n; sequence <= 20n; sequence++) await updates.from(sequence, 1);
    expect(state.asked).toBe(40);
    expect(await updates.from(1n, 1)).toEqual(bytesOf(1));
    expect(state.asked).toBe(42);
  });

  test("come several at once, as far as they are certified and asked for", async () => {
    const { state, updates } = open();
    state.newest = 5n;
    updates.certified(5n);
    expect(await updates.from(2n, 3)).toEqual(bytesOf(2, 3, 4));
    expect(await updates.from(2n, MOST_UPDATES)).toEqual(bytesOf(2, 3, 4, 5));
    expect(state.asked).toBe(8);
    expect(await updates.from(6n, MOST_UPDATES)).toBeUndefined();
  });

  test("that are not certified are not asked for while news come, and are asked for when none come", async () => {
    const { state, updates } = open();
    expect(await updates.from(1n, 1)).toBeUndefined();
    expect(state.asked).toBe(1);
    updates.certified(4n);
    expect(await updates.from(5n, 1)).toBeUndefined();
    expect(state.asked).toBe(1);
    state.newest = 5n;
    // The news of it was lost: it is found once the last one is old.
    await expect.poll(() => updates.from(5n, 1), { timeout: 5_000, interval: 50 }).toEqual(bytesOf(5));
  });

  test("that could not be read are asked for again", async () => {
    const { state, updates } = open();
    state.newest = 1n;
    state.isAway = true;
    await expect(updates.from(1n, 1)).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    state.isAway = false;
    expect(await updates.from(1n, 1)).toEqual(bytesOf(1));
  });
});
