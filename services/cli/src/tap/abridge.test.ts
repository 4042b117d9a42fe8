import { expect, test } from "vitest";
import { abridge } from "./abridge.ts";

const digest = "0123456789abcdef".repeat(4);

test.each([
  ["an amount", 12n, "12"],
  ["a digest", digest, "0123456789ab…"],
  ["a text", "deadbeef, said in a text that is long and no hex", undefined],
  ["bytes", new Uint8Array(20), `20 bytes ${"00".repeat(16)}…`],
  ["no bytes", new Uint8Array(0), "0 bytes"],
  ["a short list", [1, 2, 3, 4], undefined],
  ["a long list", [1, 2, 3, 4, 5], [1, 2, 3, "… 2 more"]],
  ["an enum", { $kind: "Offer", Offer: { job: digest } }, { Offer: { job: "0123456789ab…" } }],
  ["nothing", null, undefined],
])("%s", (_, value, shown) => {
  expect(abridge(value, false)).toEqual(shown ?? value);
});

test("in full nothing is cut", () => {
  const value = { digest, list: [1, 2, 3, 4, 5, 6], bytes: Uint8Array.of(1, 255), amount: 2n ** 64n };
  expect(abridge(value, true)).toEqual({ ...value, bytes: "01ff", amount: "18446744073709551616" });
});

test("what is nested without end is cut", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 50; i++) deep = { deep };
  expect(JSON.stringify(abridge(deep, false)).length).toBeLessThan(80);
});
