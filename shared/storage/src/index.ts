export { sql } from "kysely";
export { BlobFolder } from "./blob-folder.ts";
export { Database, type DatabaseOptions, type Reading, type WithPlatform } from "./database.ts";
export { insertMany } from "./insert.ts";
export { type Migration, migrate } from "./migrate.ts";
export { Outbox, type OutboxOptions } from "./outbox.ts";
export type { InboxTable, OutboxTable, PlatformTables } from "./platform-tables.ts";
export { SessionLock, type SessionLockOptions } from "./session-lock.ts";
export {
  addToOutbox,
  type OutboxMessage,
  pruneInbox,
  type StepOutcome,
  type TransactStep,
  transactStep,
} from "./step.ts";
export { WriteSet } from "./write-set.ts";
