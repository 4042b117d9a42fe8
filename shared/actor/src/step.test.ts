import { describe, expect, test } from "vitest";
import { accepted, deferred, rejected, replay, type Step } from "./index.ts";

type Input = { kind: "add"; n: number } | { kind: "later" };
const counter: Step<number, Input, { kind: "publish"; total: number }> = (state, input) => {
  if (input.kind === "later") return deferred(state, 50);
  if (input.n <= 0) return rejected(state, "COUNTER_NOT_POSITIVE");
  return accepted(state + input.n, [{ kind: "publish", total: state + input.n }]);
};

describe("replay", () => {
  test("threads the state and keeps every step", () => {
    const run = replay(counter, 0, [
      { kind: "add", n: 2 },
      { kind: "later" },
      { kind: "add", n: -1 },
      { kind: "add", n: 3 },
    ]);
    expect(run.state).toBe(5);
    expect(run.steps.map((s) => s.verdict)).toEqual([
      { kind: "accept" },
      { kind: "defer", delayMs: 50 },
      { kind: "reject", code: "COUNTER_NOT_POSITIVE" },
      { kind: "accept" },
    ]);
    expect(run.steps.flatMap((s) => s.effects)).toEqual([
      { kind: "publish", total: 2 },
      { kind: "publish", total: 5 },
    ]);
  });
});
