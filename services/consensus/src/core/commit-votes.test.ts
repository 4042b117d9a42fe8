import { describe, expect, test } from "vitest";
import { CommitVotes } from "./commit-votes.ts";
import { committeeOf, distinctAuthors } from "./support.ts";
import { blockOf } from "./testing/blocks.ts";

const [ours, theirs] = ["aa".repeat(32), "bb".repeat(32)];
const stakes = [1n, 1n, 1n, 1n];
const votes = () =>
  new CommitVotes({
    committee: committeeOf(stakes, () => 3n),
    support: () => distinctAuthors(stakes),
    window: 10,
    lastIndex: 0n,
  });
const vote = (author: number, index: bigint, digest: string, variant = 0) =>
  blockOf(author, 1, [], { variant, commitVotes: [{ index, digest }] });

describe("CONS-9", () => {
  test("an own commit is certified once, by quorum stake of first votes", () => {
    const counting = votes();
    counting.committed({ index: 1n, digest: ours });
    expect(counting.count(vote(0, 1n, ours)).certified).toEqual([]);
    expect(counting.count(vote(1, 1n, theirs)).certified).toEqual([]);
    expect(counting.count(vote(1, 1n, ours, 1)).certified).toEqual([]);
    expect(counting.count(vote(2, 1n, ours)).certified).toEqual([]);
    expect(counting.count(vote(3, 1n, ours)).certified).toMatchObject([{ index: 1n, digest: ours }]);
  });

  test("votes that come before the own commit count when it comes", () => {
    const counting = votes();
    for (const author of [0, 1, 2]) expect(counting.count(vote(author, 1n, ours)).certified).toEqual([]);
    expect(counting.committed({ index: 1n, digest: ours }).certified).toHaveLength(1);
  });

  test("a quorum for another commit is a conflict", () => {
    const counting = votes();
    counting.committed({ index: 1n, digest: ours });
    for (const author of [0, 1]) expect(counting.count(vote(author, 1n, theirs)).conflict).toBeNull();
    expect(counting.count(vote(2, 1n, theirs)).conflict).toEqual({ index: 1n, digest: theirs });
  });

  test("the lag is what quorum stake claims, whatever a few say", () => {
    const counting = votes();
    counting.noteProgress(vote(0, 1_000_000n, ours));
    counting.noteProgress(vote(1, 40n, ours));
    expect(counting.quorumIndex()).toBe(0n);
    counting.noteProgress(vote(2, 30n, ours));
    expect(counting.quorumIndex()).toBe(30n);
  });

  test("polls are bounded, far votes ignored, and an own block takes the newest votes", () => {
    const counting = votes();
    for (let i = 0n; i < 100n; i++) counting.count(vote(0, i * 7n, theirs, Number(i)));
    expect(counting.size).toBeLessThanOrEqual(2);
    for (let i = 1n; i <= 200n; i++) counting.committed({ index: i, digest: ours });
    expect(counting.size).toBeLessThanOrEqual(21);
    expect(counting.take(100)).toHaveLength(100);
    expect(counting.take(100)).toEqual([]);
  });
});
