import { describe, expect, test } from "vitest";
import { Serving } from "./serving.ts";

const [greedy, modest] = ["aa".repeat(32), "bb".repeat(32)];

describe("serving peers", () => {
  test("a peer that asks in a loop has its own questions dropped", async () => {
    const serving = new Serving((error) => expect.fail(String(error)));
    const answered: string[] = [];
    const ask = (to: string) =>
      serving.answer(to, "commits", async () => {
        answered.push(to);
      });
    expect([ask(greedy), ask(greedy), ask(greedy), ask(modest)]).toEqual([true, false, false, true]);
    await new Promise((resolve) => setTimeout(resolve));
    expect(answered).toEqual([greedy, modest]);
    expect(ask(greedy)).toBe(true);
    await serving.close();
  });

  test("an answer that fails is told and costs no other", async () => {
    const errors: unknown[] = [];
    const serving = new Serving((error) => errors.push(error));
    let served = false;
    serving.answer(greedy, "blocks", () => Promise.reject(new Error("too large")));
    serving.answer(modest, "blocks", async () => {
      served = true;
    });
    await new Promise((resolve) => setTimeout(resolve));
    expect([errors.length, served]).toEqual([1, true]);
  });

  test("closed, it waits for the answer in hand and begins no other", async () => {
    const serving = new Serving((error) => expect.fail(String(error)));
    const done: number[] = [];
    for (const n of [1, 2]) {
      serving.answer(greedy, "blocks", async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        done.push(n);
      });
    }
    await new Promise((resolve) => setTimeout(resolve));
    await serving.close();
    expect(done).toEqual([1]);
    expect(serving.answer(modest, "blocks", async () => {})).toBe(false);
  });
});
