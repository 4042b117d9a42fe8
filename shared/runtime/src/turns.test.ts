import { setImmediate as turn } from "node:timers/promises";
import type { Sliced } from "@soma/base";
import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

function* busy(steps: number, stepMs: number): Sliced<number> {
  for (let i = 0; i < steps; i++) {
    const until = performance.now() + stepMs;
    while (performance.now() < until);
    yield;
  }
  return steps;
}

test("the event loop turns while something long is computed, also when it is many short things", async () => {
  const turns = new Turns();
  let [timers, done] = [0, false];
  const ticking = setInterval(() => timers++, 1);
  const counting = (async () => {
    let count = 0;
    for (; !done; count++) await turn();
    return count;
  })();
  expect(await turns.run(busy(100, 1))).toBe(100);
  const after = timers;
  // Each is shorter than a slice.
  for (let i = 0; i < 50; i++) expect(await turns.run(busy(2, 1))).toBe(2);
  done = true;
  clearInterval(ticking);
  expect(after).toBeGreaterThan(5);
  expect(timers - after).toBeGreaterThan(5);
  expect(await counting).toBeGreaterThan(15);
});

test("what is short is computed in the turn in which it was begun", async () => {
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  await new Turns().run(busy(3, 0));
  expect(turned).toBe(false);
});

test("what the computation throws is thrown", async () => {
  function* failing(): Sliced<never> {
    yield;
    throw new RangeError("no");
  }
  await expect(new Turns().run(failing())).rejects.toThrow(RangeError);
});
