import { describe, expect, it } from "vitest";
import { Standstill } from "./standstill.ts";

describe("standstill", () => {
  it("is told once when it begins and once when it ends", () => {
    const standstill = new Standstill(1_000, 0);
    const look = (commit: bigint, nowMs: number) => standstill.look({ commit, isExpected: true }, nowMs);
    expect([look(1n, 0), look(2n, 900), look(2n, 1_800)]).toEqual([null, null, null]);
    expect([look(2n, 1_900), look(2n, 5_000)]).toEqual(["began", null]);
    expect([standstill.isStanding, standstill.ageMs(5_000)]).toEqual([true, 4_100]);
    expect([look(3n, 5_100), look(4n, 5_200)]).toEqual(["ended", null]);
    expect(standstill.ageMs(5_200)).toBe(0);
  });

  it("is none while no commit is expected, and is counted from the time that one is", () => {
    const standstill = new Standstill(1_000, 0);
    expect(standstill.look({ commit: 0n, isExpected: false }, 9_000)).toBeNull();
    expect(standstill.look({ commit: 0n, isExpected: true }, 9_900)).toBeNull();
    expect(standstill.look({ commit: 0n, isExpected: true }, 10_000)).toBe("began");
    expect(standstill.look({ commit: 0n, isExpected: false }, 10_100)).toBe("ended");
  });

  it("does not take a clock set back for an age", () => {
    const standstill = new Standstill(1_000, 5_000);
    expect(standstill.look({ commit: 0n, isExpected: true }, 5_000)).toBeNull();
    expect(standstill.ageMs(100)).toBe(0);
  });
});
