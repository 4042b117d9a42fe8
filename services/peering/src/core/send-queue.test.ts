import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendQueue } from "./send-queue.ts";

const limits = { messages: 4, bytes: 20 };
const item = (isLive: boolean, length: number, tag = 0) => ({ isLive, bytes: new Uint8Array(length), tag });

describe("a send queue", () => {
  test("keeps its bounds, loses none but those it counts, and keeps the order", () => {
    const offers = fc.array(fc.tuple(fc.boolean(), fc.nat(25), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(offers, (script) => {
        const queue = new SendQueue<ReturnType<typeof item>>(limits);
        let dropped = 0;
        const taken: number[] = [];
        script.forEach(([isLive, length, takes], tag) => {
          dropped += queue.offer(item(isLive, length, tag));
          expect(queue.length).toBeLessThanOrEqual(limits.messages);
          expect(queue.bytes).toBeLessThanOrEqual(limits.bytes);
          const next = takes ? queue.take() : undefined;
          if (next !== undefined) taken.push(next.tag);
        });
        for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.tag);
        expect(taken.length + dropped).toBe(script.length);
        expect(taken).toEqual([...taken].sort((a, b) => a - b));
        expect(queue.bytes).toBe(0);
      }),
    );
  });

  test("drops the oldest live message for a newcomer of any kind", () => {
    const queue = new SendQueue<ReturnType<typeof item>>(limits);
    for (let tag = 0; tag < 4; tag++) queue.offer(item(tag !== 0, 5, tag));
    expect(queue.offer(item(false, 5, 4))).toBe(1);
    expect(queue.offer(item(true, 5, 5))).toBe(1);
    expect([queue.take(), queue.take(), queue.take(), queue.take()].map((next) => next?.tag)).toEqual([
      0, 3, 4, 5,
    ]);
  });

  test("refuses a newcomer when nothing live is left", () => {
    const queue = new SendQueue<ReturnType<typeof item>>(limits);
    for (let tag = 0; tag < 4; tag++) queue.offer(item(false, 5, tag));
    expect(queue.offer(item(true, 5, 4))).toBe(1);
    expect(queue.take()?.tag).toBe(0);
  });
});
