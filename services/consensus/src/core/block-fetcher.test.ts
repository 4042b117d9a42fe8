import type { BlockRef } from "@soma/protocol";
import { expect, test } from "vitest";
import { BlockFetcher } from "./block-fetcher.ts";
import { refOf } from "./testing/blocks.ts";

const RETRY_MS = 100;
const newFetcher = (inFlight = 1_024) =>
  new BlockFetcher({ self: 0, size: 4, retryMs: RETRY_MS, perRequest: 32, inFlight });

test("asks the sender, the others in turn, and then ever more rarely, without end", () => {
  const fetcher = newFetcher();
  const missing = [refOf(2, 5)];
  const asked: { at: number; to: number }[] = [];
  for (let at = 0; at <= 6_000; at += 10) {
    for (const { to } of fetcher.due(missing, 3, at)) asked.push({ at, to });
  }
  expect(asked[0]).toEqual({ at: 0, to: 3 });
  expect(new Set(asked.slice(0, 4).map(({ to }) => to)).size).toBe(3);
  const pauses = asked.slice(1).map(({ at }, i) => (at - asked[i]!.at) / RETRY_MS);
  expect(pauses.slice(0, 3)).toEqual([1, 1, 1]);
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  expect(new Set(pauses)).toEqual(new Set([1, 2, 4, 8]));
  expect(asked.every(({ to }) => to !== 0)).toBe(true);
});

test("blocks that nobody has do not keep others from being asked for", () => {
  const fetcher = newFetcher(64);
  const invented = Array.from({ length: 500 }, (_, i) => refOf(3, 10, 1_000 + i));
  const askedFor: number[] = [];
  const ask = (missing: BlockRef[], at: number) => {
    const refs = fetcher.due(missing, 1, at).flatMap((request) => request.refs);
    askedFor.push(refs.length);
    return refs;
  };
  for (let at = 0; at < 2_000; at += 50) ask(invented, at);
  const wanted = refOf(1, 30);
  const asked = [2_000, 2_050, 2_100].flatMap((at) => ask([...invented, wanted], at));
  expect(asked).toContainEqual(wanted);
  expect(Math.max(...askedFor)).toBeLessThanOrEqual(64);
});

test("what came is forgotten, and asked for anew if it is missing again", () => {
  const fetcher = newFetcher();
  fetcher.due([refOf(1, 5)], 2, 0);
  expect(fetcher.due([], 2, 10)).toEqual([]);
  expect(fetcher.size).toBe(0);
  expect(fetcher.wakeAtMs()).toBe(Number.POSITIVE_INFINITY);
  expect(fetcher.due([refOf(1, 5)], 2, 20)).toEqual([{ to: 2, refs: [refOf(1, 5)] }]);
});
