import { Rng } from "@soma/base";
import type { CommitPart } from "@soma/contracts";
import { type Commit, commitDigest, NO_COMMIT } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommitAssembler } from "./commit-assembler.ts";

const CHAIN = "test";
const ZEROS = "00".repeat(32);

/** Commits in a chain, each in as many parts as told. */
function chainOf(parts: readonly number[], timestampMs = 1n): CommitPart[][] {
  let previous = NO_COMMIT;
  return parts.map((count, i) => {
    const leader = { round: i + 1, author: 0, digest: ZEROS };
    const commit: Commit = { epoch: 0n, index: BigInt(i + 1), previous, timestampMs, leader, blocks: [] };
    const digest = commitDigest(CHAIN, commit);
    previous = digest;
    return Array.from({ length: count }, (_, part) => ({
      commit,
      digest,
      beacon: ZEROS,
      part,
      parts: count,
      transactions: [{ author: 0, bytes: Uint8Array.of(i, part) }],
    }));
  });
}

const fresh = () => new CommitAssembler(CHAIN, { index: 0n, digest: NO_COMMIT });

describe("the assembler of commits", () => {
  test("gives out each commit once, whole and in order, whatever the order and repeats of its parts", () => {
    const counts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(counts, fc.nat(), (parts, seed) => {
        const messages = chainOf(parts).flat();
        const rng = new Rng(seed);
        const twice = [...messages, ...messages].sort(() => rng.float() - 0.5);
        const assembler = fresh();
        const given = twice.flatMap((part) => {
          assembler.offer(part);
          return assembler.takeReady();
        });
        expect(given.map(({ commit }) => Number(commit.index))).toEqual(parts.map((_, i) => i + 1));
        expect(given.map(({ transactions }) => transactions.map(({ bytes }) => bytes[1]!))).toEqual(
          parts.map((count) => Array.from({ length: count }, (_, part) => part)),
        );
        expect([assembler.next, assembler.isBehind]).toEqual([BigInt(parts.length + 1), false]);
      }),
    );
  });

  test("knows that it is behind when something later came", () => {
    const [[first], [second]] = chainOf([1, 1]) as [[CommitPart], [CommitPart]];
    const assembler = fresh();
    assembler.offer(second);
    expect([assembler.isBehind, assembler.takeReady()]).toEqual([true, []]);
    assembler.offer(first);
    expect(assembler.takeReady()).toHaveLength(2);
    expect(assembler.isBehind).toBe(false);
  });

  test("takes another commit in the place of one that does not follow", () => {
    const [, [strange]] = chainOf([1, 1], 9n) as [CommitPart[], [CommitPart]];
    const [[first], [second]] = chainOf([1, 1]) as [[CommitPart], [CommitPart]];
    const assembler = fresh();
    for (const part of [strange, first]) assembler.offer(part);
    expect(assembler.takeReady().map(({ digest }) => digest)).toEqual([first.digest]);
    expect(assembler.isBehind).toBe(true);
    assembler.offer(second);
    expect(assembler.takeReady().map(({ digest }) => digest)).toEqual([second.digest]);
  });

  test.each([
    ["COMMIT_OLD", { index: 0n }, {}],
    ["COMMIT_AHEAD", { index: 1_000n }, {}],
    ["COMMIT_MALFORMED", {}, { part: 1 }],
    ["COMMIT_DIGEST", { timestampMs: 5n }, {}],
  ])("refuses with %s", (code, commit, change) => {
    const [[part]] = chainOf([1]) as [[CommitPart]];
    expect(fresh().offer({ ...part, ...change, commit: { ...part.commit, ...commit } })).toBe(code);
  });

  test("keeps no more ahead than its bound", () => {
    const messages = chainOf([1, 1, 1]).flat();
    const large = new Uint8Array(40 * 1024 * 1024);
    const assembler = fresh();
    const offers = messages
      .slice(1)
      .map((part) => assembler.offer({ ...part, transactions: [{ author: 0, bytes: large }] }));
    expect(offers).toEqual(["", "COMMIT_AHEAD"]);
    expect(assembler.offer({ ...messages[0]!, transactions: [{ author: 0, bytes: large }] })).toBe("");
  });
});
