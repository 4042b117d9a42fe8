import type { Transaction } from "kysely";
import type { Database, WithPlatform } from "./database.ts";
import { insertMany } from "./insert.ts";
import type { PlatformTables } from "./platform-tables.ts";

/** A message to be sent after the commit; `bus.stage(...)` makes one. */
export interface OutboxMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: string | undefined;
}

export interface TransactStep<Tables, T> {
  /** The consumer and id of the message behind this step, for the inbox. Without it the step is not deduplicated. */
  readonly inbox?: { readonly consumer: string; readonly messageId: string } | undefined;
  /** Writes the state and says what is to be sent. What it throws rolls everything back. */
  readonly write: (
    tx: Transaction<WithPlatform<Tables>>,
  ) => Promise<{ readonly value: T; readonly outbox?: readonly OutboxMessage[] }>;
}

/** `repeat`: the inbox knew the message, nothing was written, and it may simply be acknowledged. */
export type StepOutcome<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "repeat" };

/**
 * One transaction with the inbox row, the state and the outbox rows: after it, the step happened exactly once,
 * whatever becomes of the process. Wake the outbox afterwards.
 */
export async function transactStep<Tables, T>(
  database: Database<Tables>,
  step: TransactStep<Tables, T>,
): Promise<StepOutcome<T>> {
  return database.transaction(async (tx): Promise<StepOutcome<T>> => {
    const platform = tx as unknown as Transaction<PlatformTables>;
    if (step.inbox !== undefined) {
      const inserted = await platform
        .insertInto("inbox")
        .values({ consumer: step.inbox.consumer, message_id: step.inbox.messageId })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows === 0n) return { kind: "repeat" };
    }
    const { value, outbox = [] } = await step.write(tx);
    await addToOutbox(platform, outbox);
    return { kind: "done", value };
  });
}

/** Puts messages into the outbox of a transaction, in the order in which they will be sent. */
export async function addToOutbox(
  tx: Transaction<PlatformTables>,
  messages: readonly OutboxMessage[],
): Promise<void> {
  await insertMany(
    tx,
    "outbox",
    messages.map((message) => ({
      message_id: message.messageId,
      subject: message.subject,
      stream: message.stream ?? null,
      payload: message.payload,
      headers: JSON.stringify(message.headers),
    })),
  );
}

/** Forgets inbox rows older than `ageMs`; must be longer than any stream keeps its messages. Returns how many. */
export async function pruneInbox<Tables>(database: Database<Tables>, ageMs: number): Promise<number> {
  const platform = database as unknown as Database;
  const { numDeletedRows } = await platform.kysely
    .deleteFrom("inbox")
    .where("received_at", "<", new Date(Date.now() - ageMs))
    .executeTakeFirst();
  return Number(numDeletedRows);
}
