import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fullBucket, fullBuckets, takeMessage, takeTokens } from "./token-bucket.ts";

const limits = { perSecond: 10, burst: 20 };

describe("a token bucket", () => {
  test("never gives more than the burst and the refill", () => {
    const steps = fc.array(fc.record({ waitMs: fc.integer({ min: -500, max: 3000 }), cost: fc.nat(30) }));
    fc.assert(
      fc.property(steps, (taken) => {
        let now = 1_000_000;
        let latest = now;
        let bucket = fullBucket(limits, now);
        let given = 0;
        for (const { waitMs, cost } of taken) {
          now += waitMs;
          latest = Math.max(latest, now);
          const next = takeTokens(bucket, limits, cost, now);
          if (next === undefined) continue;
          given += cost;
          bucket = next;
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
        }
        const elapsed = (latest - 1_000_000) / 1000;
        expect(given).toBeLessThanOrEqual(limits.burst + elapsed * limits.perSecond + 1e-6);
      }),
    );
  });

  test("is full again after a while", () => {
    const empty = takeTokens(fullBucket(limits, 0), limits, 20, 0)!;
    expect(takeTokens(empty, limits, 1, 99)).toBeUndefined();
    expect(takeTokens(empty, limits, 1, 100)).toEqual({ tokens: 0, atMs: 100 });
    expect(takeTokens(empty, limits, 20, 60_000)).toEqual({ tokens: 0, atMs: 60_000 });
  });

  test("of messages and bytes takes both or neither", () => {
    const peer = { messages: { perSecond: 1, burst: 2 }, bytes: { perSecond: 1, burst: 100 } };
    const first = takeMessage(fullBuckets(peer, 0), peer, 60, 0)!;
    expect(takeMessage(first, peer, 60, 0)).toBeUndefined();
    const second = takeMessage(first, peer, 40, 0)!;
    expect(second.messages.tokens).toBe(0);
    expect(takeMessage(second, peer, 0, 0)).toBeUndefined();
  });
});
