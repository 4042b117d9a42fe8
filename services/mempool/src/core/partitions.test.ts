import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dividePartitions } from "./partitions.ts";

const PARTITIONS = 16;

/** Lets each member act in turn until nothing moves; gives the owners and the number of moves. */
function settle(start: readonly (string | null)[], members: readonly string[]) {
  const owners = start.map((owner) => (owner !== null && members.includes(owner) ? owner : null));
  let moves = 0;
  for (let round = 0; round < 4; round++) {
    for (const member of members) {
      const { take, give } = dividePartitions(owners, members, member);
      for (const partition of give) {
        expect(owners[partition]).toBe(member);
        owners[partition] = null;
        moves++;
      }
      for (const partition of take) {
        expect(owners[partition]).toBe(null);
        owners[partition] = member;
      }
    }
  }
  return { owners, moves };
}

const counts = (owners: readonly (string | null)[], members: readonly string[]) =>
  members.map((member) => owners.filter((owner) => owner === member).length);

describe("partitions", () => {
  test("one replica takes all; a second gets half; one that dies leaves its part to the other", () => {
    const alone = settle(new Array(PARTITIONS).fill(null), ["a"]);
    expect(counts(alone.owners, ["a"])).toEqual([16]);
    const both = settle(alone.owners, ["a", "b"]);
    expect([counts(both.owners, ["a", "b"]), both.moves]).toEqual([[8, 8], 8]);
    const left = settle(both.owners, ["b"]);
    expect([counts(left.owners, ["b"]), left.moves]).toEqual([[16], 0]);
  });

  test("whoever comes and goes, all are held, in parts that differ by one at most, and then nothing moves", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    fc.assert(
      fc.property(
        fc.array(fc.subarray(names, { minLength: 1 }), { minLength: 1, maxLength: 6 }),
        (phases) => {
          let owners: (string | null)[] = new Array(PARTITIONS).fill(null);
          for (const members of phases) {
            owners = settle(owners, members).owners;
            const held = counts(owners, members);
            expect(held.reduce((a, b) => a + b)).toBe(PARTITIONS);
            expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
            expect(settle(owners, members).moves).toBe(0);
          }
        },
      ),
    );
  });
});
