import { steadyNow } from "@soma/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Alarm } from "./alarm.ts";

describe("alarm", () => {
  beforeEach(() => vi.useFakeTimers({ now: 1_000 }));
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  function ringing() {
    const rings: number[] = [];
    return { rings, alarm: new Alarm(() => rings.push(Date.now())) };
  }

  it("rings once, at its moment", () => {
    const { rings, alarm } = ringing();
    alarm.set(1_200);
    vi.advanceTimersByTime(10_000);
    expect(rings).toEqual([1_200]);
  });

  it("waits for the rest when its timeout ends before its moment by the clock", () => {
    const { rings, alarm } = ringing();
    alarm.set(1_200);
    // The timeout counts 200 ms while the clock shows one less, as Node's does.
    const { now } = performance;
    vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) - 1);
    vi.advanceTimersByTime(200);
    expect([steadyNow(), rings]).toEqual([1_199, []]);
    vi.advanceTimersByTime(1);
    expect(rings).toEqual([1_201]);
  });

  it("rings at its moment though the clock was set back meanwhile", () => {
    const { rings, alarm } = ringing();
    alarm.set(1_200);
    vi.setSystemTime(-600_000);
    vi.advanceTimersByTime(199);
    expect(rings).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(rings).toHaveLength(1);
  });

  it("rings at once for a moment that is past", () => {
    const { rings, alarm } = ringing();
    alarm.set(500);
    vi.advanceTimersByTime(1);
    expect(rings).toHaveLength(1);
  });

  it("keeps only the moment it was last set to, and none once closed", () => {
    const { rings, alarm } = ringing();
    alarm.set(1_100);
    alarm.set(1_300);
    vi.advanceTimersByTime(299);
    expect(rings).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(rings).toEqual([1_300]);
    alarm.set(1_500);
    alarm.close();
    vi.advanceTimersByTime(1_000);
    expect(rings).toEqual([1_300]);
  });
});
