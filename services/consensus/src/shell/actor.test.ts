import { nativeVerifier } from "@soma/crypto/native";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConsensusState } from "../core/index.ts";
import { ConsensusActor } from "./actor.ts";

const peer = (n: number) => n.toString(16).padStart(64, "0");
const transactions = { kind: "transactions-available", transactions: [] } as const;

/** An actor before recovery, when the core defers all that it is told. */
function openActor() {
  const stepped = vi.fn();
  const state = new ConsensusState({ chainId: "test", self: peer(1), verifier: nativeVerifier });
  const actor = new ConsensusActor({
    state,
    perform: async () => {},
    refused: () => {},
    stepped,
    fail: (error) => expect.fail(String(error)),
    now: () => 0,
    wallNow: () => 0,
  });
  return { actor, stepped };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("CONS-11 actor", () => {
  test.each([
    { kind: "commits-requested", after: 0n, limit: 1 },
    { kind: "blocks-requested", epoch: 0n, refs: [] },
    { kind: "own-round-requested", epoch: 0n },
    { kind: "blocks-received", blocks: [] },
    { kind: "commits-received", commits: [], blocks: [], voters: [] },
  ] as const)("one peer's $kind fill its own share of the queue alone", (input) => {
    const { actor } = openActor();
    const taken = Array.from({ length: 600 }, () => actor.tell({ ...input, from: peer(2) }));
    expect(taken.filter(Boolean)).toHaveLength(512);
    expect(actor.tell({ ...input, from: peer(3) })).toBe(true);
    expect(actor.tell({ kind: "tick" })).toBe(true);
  });

  test("what is deferred still counts as pending, and as its peer's", async () => {
    const { actor, stepped } = openActor();
    actor.tell(transactions);
    for (let i = 0; i < 512; i++) actor.tell({ kind: "own-round-requested", from: peer(2), epoch: 0n });
    await vi.advanceTimersByTimeAsync(1);
    expect(stepped).toHaveBeenCalledTimes(513);
    expect(actor.isPending("transactions-available")).toBe(true);
    expect(actor.tell({ kind: "own-round-requested", from: peer(2), epoch: 0n })).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stepped.mock.calls.length).toBeGreaterThan(513);
  });

  test("an input told as the queue ran empty is taken up", async () => {
    const { actor, stepped } = openActor();
    for (let i = 1; i <= 50; i++) {
      actor.tell({ kind: "tick" });
      // Each lands in another of the turns in which the loop ends.
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
    }
    for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
    expect(stepped).toHaveBeenCalledTimes(50);
  });

  test("a deferred input is not taken up after close", async () => {
    const { actor, stepped } = openActor();
    actor.tell(transactions);
    await actor.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(stepped).toHaveBeenCalledTimes(1);
  });
});
