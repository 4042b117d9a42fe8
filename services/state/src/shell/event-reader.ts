import { EVENT_PAGE, type ListEvents, type Payload, type Reply } from "@soma/contracts";
import type { Reading } from "@soma/storage";
import { commitRow, type HistoryReader, transactionRow } from "./history-reader.ts";
import type { StateTables } from "./schema.ts";

type Asked = Payload<typeof ListEvents>;
type Page = Reply<typeof ListEvents>;
type Event = Page["events"][number];
type Place = Page["next"];
type CommitRow = StateTables["executed_commit"];
type JobState = Extract<Event["event"], { type: "job" }>["data"]["state"];

/** Commits, and transactions in them, that one page goes through at most. */
const MAX_COMMITS = 512;
const MAX_TRANSACTIONS = 20_000;

/**
 * Reads the history of events from a place on. Places count a commit's events whatever is asked for, so that they
 * hold for every filter and on every validator.
 */
export class EventReader {
  readonly #reading: Reading<StateTables>;
  readonly #history: HistoryReader;

  constructor(reading: Reading<StateTables>, history: HistoryReader) {
    this.#reading = reading;
    this.#history = history;
  }

  async page(asked: Asked): Promise<Page> {
    const kept = await this.#history.kept();
    const { after } = asked;
    if (kept === null || after.commit >= kept.last || after.commit + 1n < kept.first) {
      return { kept, events: [], next: after };
    }
    const commits = await this.#commits(after.commit);
    const last = commits.at(-1);
    if (last === undefined) return { kept, events: [], next: after };
    const events = await this.#events(asked, commits);
    if (events.length <= EVENT_PAGE) return { kept, events, next: { commit: last.commit, offset: 0 } };
    const told = events.slice(0, EVENT_PAGE);
    return { kept, events: told, next: told.at(-1)!.place };
  }

  /** The commits that one page goes through. */
  async #commits(after: bigint): Promise<CommitRow[]> {
    const rows = await this.#reading
      .selectFrom("executed_commit")
      .selectAll()
      .where("commit", ">", after)
      .orderBy("commit")
      .limit(MAX_COMMITS)
      .execute();
    let transactions = 0;
    const tooMany = rows.findIndex((row) => {
      transactions += row.transactions;
      return transactions > MAX_TRANSACTIONS;
    });
    return tooMany < 0 ? rows : rows.slice(0, Math.max(1, tooMany));
  }

  /** In their order; of each kind at most one more than a page, so that whatever is left out comes after the page. */
  async #events(asked: Asked, commits: readonly CommitRow[]): Promise<Event[]> {
    const { offset } = asked.after;
    const first = commits[0]!;
    const last = commits.at(-1)!;
    const rows = new Map(commits.map((row) => [row.commit, row]));
    const found: { row: CommitRow; ordinal: number; event: Event["event"] }[] = [];
    if (asked.transactions) {
      let query = this.#reading
        .selectFrom("executed_transaction")
        .select(["commit", "position", "digest", "sender", "refusal"])
        .where((e) => e(e.refTuple("commit", "position"), ">=", e.tuple(first.commit, offset)))
        .where("commit", "<=", last.commit);
      if (asked.account !== null) query = query.where("sender", "=", asked.account);
      for (const data of await query
        .orderBy("commit")
        .orderBy("position")
        .limit(EVENT_PAGE + 1)
        .execute()) {
        const event = { type: "transaction", data: transactionRow(data) } as const;
        found.push({ row: rows.get(data.commit)!, ordinal: data.position, event });
      }
    }
    if (asked.jobs) {
      const told = Math.max(0, offset - first.transactions);
      let query = this.#reading
        .selectFrom("job_stage")
        .selectAll()
        .where((e) => e(e.refTuple("commit", "position"), ">=", e.tuple(first.commit, told)))
        .where("commit", "<=", last.commit);
      if (asked.account !== null) query = query.where("payer", "=", asked.account);
      if (asked.job !== null) query = query.where("job", "=", asked.job);
      const stages = await query
        .orderBy("commit")
        .orderBy("position")
        .limit(EVENT_PAGE + 1)
        .execute();
      for (const { position, state, ...rest } of stages) {
        const row = rows.get(rest.commit)!;
        const event = { type: "job", data: { ...rest, state: state as JobState } } as const;
        found.push({ row, ordinal: row.transactions + position, event });
      }
    }
    if (asked.commits) {
      for (const row of commits) {
        found.push({ row, ordinal: sizeOf(row) - 1, event: { type: "commit", data: commitRow(row) } });
      }
    }
    return found
      .sort((a, b) => (a.row === b.row ? a.ordinal - b.ordinal : a.row.commit < b.row.commit ? -1 : 1))
      .map(({ row, ordinal, event }) => ({ place: placeAfter(row, ordinal), event }));
  }
}

/** Events of a commit: its transactions, stages of jobs, and itself. */
function sizeOf({ transactions, stages }: CommitRow): number {
  return transactions + stages + 1;
}

/** The place behind an event of a commit. */
function placeAfter(row: CommitRow, ordinal: number): Place {
  return ordinal + 1 === sizeOf(row)
    ? { commit: row.commit, offset: 0 }
    : { commit: row.commit - 1n, offset: ordinal + 1 };
}
