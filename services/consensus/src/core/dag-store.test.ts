import { expect, test } from "vitest";
import { DagStore } from "./dag-store.ts";
import { blockOf } from "./testing/blocks.ts";

const carrying = (author: number, round: number) =>
  blockOf(author, round, [], { transactions: [Uint8Array.of(1)] });

test("transactions wait until their block is committed or evicted, and an empty block waits for nothing", () => {
  const dag = new DagStore();
  dag.insert(blockOf(0, 1, []));
  expect(dag.carriesTransactions).toBe(false);
  const [first, second, late] = [carrying(0, 2), carrying(1, 2), carrying(2, 3)];
  dag.insert(first);
  dag.insert(first);
  dag.insert(second);
  dag.markCommitted(first.ref);
  expect(dag.carriesTransactions).toBe(true);
  dag.evict(2);
  expect(dag.carriesTransactions).toBe(false);
  // A commit that was followed may name a block before it is here.
  dag.markCommitted(late.ref);
  dag.insert(late);
  expect(dag.carriesTransactions).toBe(false);
});
