import { expect, test } from "vitest";
import { pause, Waiting } from "./waiting.ts";

function waiting() {
  const stop = new AbortController();
  const caller = new AbortController();
  return { stop, caller, waiting: new Waiting(stop.signal, caller.signal) };
}

test("who waits looks again at each change, and gets what it finds", async () => {
  const { waiting: wait } = waiting();
  let found: string | undefined;
  const until = wait.until(() => found);
  found = "it";
  wait.changed();
  expect(await until).toBe("it");
});

test("null is an answer too", async () => {
  expect(await waiting().waiting.until(() => null)).toBeNull();
});

test("a bounded wait ends with what there is", async () => {
  expect(await waiting().waiting.until(() => undefined, 1)).toBeUndefined();
});

test("the session's end and the caller's end it", async () => {
  const first = waiting();
  const stopped = first.waiting.until(() => undefined);
  first.stop.abort();
  await expect(stopped).rejects.toMatchObject({ code: "JOB_STOPPED" });

  const second = waiting();
  const left = second.waiting.until(() => undefined);
  second.caller.abort(new Error("the caller's reason"));
  await expect(left).rejects.toThrow("the caller's reason");
});

test("a pause is cut short, even one that begins after the stop", async () => {
  const stop = new AbortController();
  const pausing = pause(1_000_000, stop.signal);
  stop.abort();
  await pausing;
  await pause(1_000_000, stop.signal);
});
