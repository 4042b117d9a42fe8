import type { Result } from "@soma/base";
import { SomaError } from "@soma/base";
import type { Config } from "@soma/config";
import type { Genesis, Hex32 } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { BlobClaims } from "./blob-claims.ts";
import type { BlobStore } from "./blob-store.ts";
import type { GatewayConfig } from "./config.ts";
import type { EventStreams } from "./events/event-streams.ts";
import type { HaltWatch } from "./halt-watch.ts";
import type { LedgerUpdates } from "./ledger-updates.ts";
import type { Mailbox } from "./mailbox.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { News } from "./news.ts";
import type { Quotas } from "./quotas.ts";
import type { SessionCheck } from "./session-check.ts";
import type { Submissions } from "./submissions.ts";

/** What the routes work with. */
export interface GatewayContext {
  readonly config: Config<typeof GatewayConfig>;
  readonly bus: Bus;
  readonly genesis: Genesis;
  readonly genesisBytes: Uint8Array;
  /** This validator: the mailbox that seat holders answer to. */
  readonly validator: Hex32;
  readonly blobs: BlobStore;
  readonly claims: BlobClaims;
  readonly halts: HaltWatch;
  readonly mailbox: Mailbox;
  readonly news: News;
  readonly quotas: Quotas;
  readonly sessions: SessionCheck;
  readonly submissions: Submissions;
  readonly streams: EventStreams;
  readonly updates: LedgerUpdates;
  readonly metrics: GatewayMetrics;
}

/** How routes ask services of this operator: one that is away is not waited for, since clients have other gateways. */
export const ASKED = { patienceMs: 500 } as const;

/** The value, or the refusal thrown for the error handler to answer. */
export function taken<T>(result: Result<T>): T {
  if (!result.ok) throw new SomaError(result.code, result.message);
  return result.value;
}
