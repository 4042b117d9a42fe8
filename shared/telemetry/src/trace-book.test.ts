import { describe, expect, test } from "vitest";
import { decodeTraces, encodeTraces, TraceBook } from "./trace-book.ts";

const traceparent = (n: number, flags = "01") =>
  `00-${n.toString(16).padStart(32, "0")}-${n.toString(16).padStart(16, "0")}-${flags}`;

describe("a book of traces", () => {
  test("keeps sampled contexts, the first of each key, and gives up the oldest", () => {
    const book = new TraceBook(3);
    book.remember("none", undefined);
    book.remember("unsampled", traceparent(1, "00"));
    book.remember("broken", "00-zz-zz-01");
    expect(book.size).toBe(0);
    for (const n of [1, 2, 3, 4]) book.remember(`key ${n}`, traceparent(n));
    book.remember("key 4", traceparent(9));
    expect(book.get("key 1")).toBeUndefined();
    expect([...book.of(["key 1", "key 4", "key 2", "other"])]).toEqual([
      ["key 4", traceparent(4)],
      ["key 2", traceparent(2)],
    ]);
    book.forget(["key 4", "key 1"]);
    expect(book.takeAll()).toEqual([traceparent(2), traceparent(3)]);
    expect(book.size).toBe(0);
  });

  test("gives at most what fits a header", () => {
    const book = new TraceBook();
    const keys = Array.from({ length: 40 }, (_, n) => `${n}`);
    for (const [n, key] of keys.entries()) book.remember(key, traceparent(n + 1));
    const some = book.of(keys);
    expect(some.size).toBe(16);
    expect(decodeTraces(encodeTraces(some))).toEqual(some);
  });
});

describe("a header of traces", () => {
  test.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["no contexts", "a,b=,=c,d=00-1-2-3"],
    ["a key without a name", `=${traceparent(1)}`],
  ])("with %s gives none", (_, text) => {
    expect(decodeTraces(text)).toEqual(new Map());
  });

  test("is read up to its sixteenth entry", () => {
    const text = Array.from({ length: 30 }, (_, n) => `k${n}=${traceparent(n + 1)}`).join(",");
    expect([...decodeTraces(text).keys()]).toEqual(Array.from({ length: 16 }, (_, n) => `k${n}`));
  });
});
