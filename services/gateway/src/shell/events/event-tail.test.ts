import { describe, expect, test } from "vitest";
import type { Place } from "../../core/index.ts";
import { EventTail, type Step } from "./event-tail.ts";

/** A history of events 1, 2, 3, ... of which some are wanted; it counts how often it is asked. */
class History {
  last = 0;
  asked = 0;
  firstKept = 1;

  readonly read = async (after: Place, wanted: (event: number) => boolean): Promise<Step<number>> => {
    this.asked++;
    if (Number(after.whole) + 1 < this.firstKept) {
      return { events: [], next: after, firstKept: BigInt(this.firstKept) };
    }
    const numbers = Array.from({ length: Math.max(0, this.last - Number(after.whole)) }, (_, i) => i);
    const events = numbers.map((i) => Number(after.whole) + 1 + i).filter(wanted);
    return {
      events: events.map((event) => ({ event, place: at(event) })),
      next: { whole: BigInt(Math.max(this.last, Number(after.whole))), offset: 0 },
    };
  };
}

const at = (whole: number): Place => ({ whole: BigInt(whole), offset: 0 });
const all = () => true;
const even = (event: number) => event % 2 === 0;
const told = ({ events }: Step<number>) => events.map(({ event }) => event);

function begun(maxEvents: number) {
  const history = new History();
  const tail = new EventTail<number, (event: number) => boolean>({
    history: history.read,
    matches: (event, wanted) => wanted(event),
    maxEvents,
  });
  tail.begin(at(0));
  return { history, tail };
}

describe("the newest events in memory", () => {
  test("serve any number of readers for one question", async () => {
    const { history, tail } = begun(100);
    history.last = 6;
    expect(await tail.advance(all)).toBe(true);
    expect(await tail.advance(all)).toBe(false);
    const { asked } = history;
    expect(told(await tail.read(at(0), all, 100))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(told(await tail.read(at(4), even, 100))).toEqual([6]);
    expect((await tail.read(at(0), even, 2)).next).toEqual(at(4));
    // Nobody is told what this gateway has not seen yet.
    expect(await tail.read(at(9), all, 100)).toEqual({ events: [], next: at(9) });
    expect(history.asked).toBe(asked);
  });

  test("are so many and no more: who is behind them is served from history", async () => {
    const { history, tail } = begun(3);
    history.last = 10;
    await tail.advance(all);
    const { asked } = history;
    expect(told(await tail.read(at(7), all, 100))).toEqual([8, 9, 10]);
    expect(history.asked).toBe(asked);
    expect(told(await tail.read(at(6), all, 100))).toEqual([7, 8, 9, 10]);
    expect(history.asked).toBe(asked + 1);
  });

  test("begin anew without what was asked for before", async () => {
    const { history, tail } = begun(100);
    history.last = 4;
    const before = tail.advance(even);
    tail.begin(at(4));
    expect(await before).toBe(true);
    // Had the old page been taken, the odd ones would be missing.
    expect(told(await tail.read(at(0), all, 100))).toEqual([1, 2, 3, 4]);
  });

  test("say where the history begins to those that come too late, and go on there", async () => {
    const { history, tail } = begun(100);
    history.last = 20;
    history.firstKept = 11;
    expect((await tail.read(at(3), all, 100)).firstKept).toBeUndefined();
    expect(await tail.advance(all)).toBe(true);
    expect((await tail.read(at(3), all, 100)).firstKept).toBe(11n);
    await tail.advance(all);
    expect(told(await tail.read(at(10), all, 3))).toEqual([11, 12, 13]);
  });
});
