import { err, ok } from "@soma/base";
import { ListEvents } from "@soma/contracts";
import { afterEach, expect, test } from "vitest";
import { EventFeed, type EventFilter, TOPICS } from "./event-feed.ts";

const everything: EventFilter = { topics: new Set(TOPICS), job: null, account: null };
const commits: EventFilter = { topics: new Set(["commits"]), job: null, account: null };

/** A ledger of commits alone, which can be away. */
class Ledger {
  last = 0n;
  isAway = false;
  /** Questions it was asked while it was away. */
  refused = 0;

  readonly request = async (message: unknown, _: object, asked: { after: unknown }) => {
    if (this.isAway) {
      this.refused += 1;
      return err("REQUEST_NO_RESPONDER", "nobody answers");
    }
    if (message !== ListEvents) return ok({ checkpoints: [] });
    const { commit } = asked.after as { commit: bigint };
    const events = [];
    for (let i = commit + 1n; i <= this.last; i++) {
      events.push({ place: { commit: i, offset: 0 }, event: { type: "commit", data: { index: i } } });
    }
    const kept = this.last === 0n ? null : { first: 1n, last: this.last };
    return ok({ events, next: { commit: this.last, offset: 0 }, kept });
  };
}

const feeds: EventFeed[] = [];
afterEach(() => {
  for (const feed of feeds.splice(0)) feed.close();
});

function open() {
  const ledger = new Ledger();
  const log = { debug: () => undefined } as never;
  const feed = new EventFeed({ bus: ledger as never, log, maxEvents: 100 });
  feeds.push(feed);
  return { ledger, feed };
}

const staying = new AbortController().signal;

test("a reader who comes while the ledger is away takes nothing from those who read, nor from those who follow", async () => {
  const { ledger, feed } = open();
  await feed.join(commits);
  let place = feed.newest;
  ledger.isAway = true;
  await expect(feed.join(everything)).rejects.toMatchObject({ code: "REQUEST_NO_RESPONDER" });
  ledger.isAway = false;
  ledger.last = 3n;
  const heard = feed.next(5_000, staying);
  feed.wake();
  await heard;
  const { commits: step } = await feed.read(place, commits, 10);
  expect(step.events.map(({ place }) => place.whole)).toEqual([1n, 2n, 3n]);
  place = { ...place, commits: step.next };
  // Others are let in again, and hear what comes.
  await feed.join(everything);
  ledger.last = 4n;
  const more = feed.next(5_000, staying);
  feed.wake();
  await more;
  const after = await feed.read(place, everything, 10);
  expect(after.commits.events.map(({ place }) => place.whole)).toEqual([4n]);
});

test("readers wait out a ledger that is away, and go on where they stood", async () => {
  const { ledger, feed } = open();
  await feed.join(commits);
  const place = feed.newest;
  ledger.isAway = true;
  ledger.last = 2n;
  feed.wake();
  await expect.poll(() => ledger.refused).toBeGreaterThan(0);
  ledger.isAway = false;
  await feed.next(5_000, staying);
  const { commits: step } = await feed.read(place, commits, 10);
  expect(step.events).toHaveLength(2);
});
