import type { Database } from "./database.ts";
import type { OutboxMessage } from "./step.ts";

export interface OutboxOptions<Tables> {
  readonly database: Database<Tables>;
  /** Sends one message and resolves when the bus has confirmed it. */
  readonly send: (message: OutboxMessage) => Promise<void>;
}

/** Messages in flight at once; awaiting each would cost four fifths of the throughput. */
const BATCH = 128;
const LONGEST_PAUSE_MS = 5000;

/**
 * Sends what committed transactions owe, in their order, until the bus has confirmed it: at least once, each with
 * the id that makes a repeat harmless. Begins with what an earlier process left behind.
 */
export class Outbox<Tables = unknown> {
  readonly #database: Database;
  readonly #send: OutboxOptions<Tables>["send"];
  readonly #stop = new AbortController();
  #awake = Promise.withResolvers<void>();
  #idle: (() => void)[] = [];
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: OutboxOptions<Tables>) {
    this.#database = options.database as unknown as Database;
    this.#send = options.send;
  }

  static open<Tables>(options: OutboxOptions<Tables>): Outbox<Tables> {
    const outbox = new Outbox(options);
    outbox.#loop = outbox.#run();
    outbox.wake();
    return outbox;
  }

  /** Says that a transaction has committed rows. */
  wake(): void {
    this.#awake.resolve();
  }

  /** Resolves when a look at the table, begun after this call, found nothing owed. */
  async drained(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#idle.push(resolve));
    this.wake();
    await done;
  }

  /** Ends after the batch in hand; the rest stays in the table for the next process. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      await this.#awake.promise;
      this.#awake = Promise.withResolvers<void>();
      const waiting = this.#idle.splice(0);
      try {
        while (!this.#stop.signal.aborted && (await this.#sendBatch()));
        failures = 0;
        for (const resolve of waiting) resolve();
      } catch (error) {
        this.#idle.push(...waiting);
        failures++;
        this.#database.telemetry.log.warn({ error: String(error) }, "outbox: trying again");
        setTimeout(() => this.wake(), Math.min(50 * 2 ** failures, LONGEST_PAUSE_MS)).unref();
      }
    }
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** True if there may be more. @throws when a message was not confirmed; what was stays sent. */
  async #sendBatch(): Promise<boolean> {
    const rows = await this.#database.kysely
      .selectFrom("outbox")
      .selectAll()
      .orderBy("id")
      .limit(BATCH)
      .execute();
    if (rows.length === 0) return false;
    const results = await Promise.allSettled(
      rows.map((row) =>
        this.#send({
          subject: row.subject,
          stream: row.stream ?? undefined,
          payload: row.payload,
          messageId: row.message_id,
          headers: JSON.parse(row.headers),
        }),
      ),
    );
    const sent = rows.filter((_, i) => results[i]!.status === "fulfilled").map((row) => row.id);
    if (sent.length > 0) await this.#database.kysely.deleteFrom("outbox").where("id", "in", sent).execute();
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    return rows.length === BATCH;
  }
}
