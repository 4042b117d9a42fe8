import { SomaError } from "@soma/base";
import { bcs, encode } from "@soma/codec";
import { describe, expect, test } from "vitest";
import { LedgerUpdates } from "./ledger-updates.ts";

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
const bytesOf = (sequence: number) =>
  encode(bcs.vector(bcs.byteVector()), [Uint8Array.of(sequence, 0), Uint8Array.of(sequence, 1)]);

describe("ledger updates", () => {
  test("are read once however many ask, and the newest are kept", async () => {
    const { state, updates } = open();
    state.newest = 3n;
    const answers = await Promise.all([1, 2, 3].map(() => updates.of(1n)));
    expect(answers).toEqual([bytesOf(1), bytesOf(1), bytesOf(1)]);
    expect(state.asked).toBe(2);
    await updates.of(2n);
    await updates.of(3n);
    expect(await updates.of(3n)).toEqual(bytesOf(3));
    expect(state.asked).toBe(6);
    expect(await updates.of(1n)).toEqual(bytesOf(1));
    expect(state.asked).toBe(8);
  });

  test("that are not certified are not asked for while news come, and are asked for when none come", async () => {
    const { state, updates } = open();
    expect(await updates.of(1n)).toBeUndefined();
    expect(state.asked).toBe(1);
    updates.certified(4n);
    expect(await updates.of(5n)).toBeUndefined();
    expect(state.asked).toBe(1);
    state.newest = 5n;
    // The news of it was lost: it is found once the last one is old.
    await expect.poll(() => updates.of(5n), { timeout: 5_000, interval: 50 }).toEqual(bytesOf(5));
  });

  test("that could not be read are asked for again", async () => {
    const { state, updates } = open();
    state.newest = 1n;
    state.isAway = true;
    await expect(updates.of(1n)).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    state.isAway = false;
    expect(await updates.of(1n)).toEqual(bytesOf(1));
  });
});
