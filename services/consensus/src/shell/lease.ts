import { hostname } from "node:os";
import { SomaError } from "@soma/base";
import { sleep } from "@soma/runtime";
import type { Database } from "@soma/storage";
import { sql } from "@soma/storage";
import type { Logger } from "@soma/telemetry";
import type { ConsensusTables } from "./store.ts";

export interface LeaseOptions {
  readonly database: Database<ConsensusTables>;
  readonly log: Logger;
  /** Who takes it; see `holderName`. */
  readonly holder: string;
  /** How long the holder may be silent before a standby takes its place. */
  readonly durationMs: number;
  /** No term up to this one is given again: a database may be an older one than the signer log. */
  readonly above: bigint;
  readonly signal: AbortSignal;
  /** Another instance has it: this one stands by. */
  readonly standingBy: () => void;
}

/** Only one row is ever there. */
const ROW = "active";
/** Renewals within the time that a holder may be silent. */
const RENEWALS = 4;

/**
 * One active instance a validator (DESIGN section 2), in terms that rise with every change. Time alone fences nothing, since
 * a process may stop for as long as it likes: the term does, which `confirm` compares after whatever must not be done by
 * two.
 */
export class Lease {
  readonly term: bigint;
  /** The last term before in which something may have been signed; 0 for none. */
  readonly signedTerm: bigint;
  /** Resolves when another instance has taken over. */
  readonly lost: Promise<Error>;
  readonly #options: LeaseOptions;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #timer: NodeJS.Timeout;

  private constructor(options: LeaseOptions, { term, signedTerm }: Taken) {
    this.#options = options;
    this.term = term;
    this.signedTerm = signedTerm;
    this.lost = this.#lost.promise;
    this.#timer = setInterval(() => void this.#renew(), options.durationMs / RENEWALS);
  }

  /** Waits as a standby until the lease is free. Undefined if the service is stopped first. */
  static async take(options: LeaseOptions): Promise<Lease | undefined> {
    const { signal, durationMs, standingBy } = options;
    for (let tries = 0; !signal.aborted; tries++) {
      const taken = await tryTake(options);
      if (taken !== undefined) return new Lease(options, taken);
      if (tries === 0) standingBy();
      await sleep(durationMs / RENEWALS, signal);
    }
    return undefined;
  }

  /** Notes that this term signs from now on. @throws SomaError CONSENSUS_FENCED once another instance has taken over */
  async begins(): Promise<void> {
    const noted = await this.#options.database.kysely
      .updateTable("lease")
      .set({ signed_term: this.term })
      .where("name", "=", ROW)
      .where("term", "=", this.term)
      .returning("term")
      .executeTakeFirst();
    if (noted === undefined) throw this.#fenced();
  }

  /** @throws SomaError CONSENSUS_FENCED once another instance has taken over */
  async confirm(): Promise<void> {
    const text = "select 1 from lease where name = $1 and term = $2";
    const [row] = await this.#options.database.prepared(text, [ROW, this.term]);
    if (row === undefined) throw this.#fenced();
  }

  /** Gives it back, so that a standby need not wait. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const { database, log } = this.#options;
    await database.kysely
      .updateTable("lease")
      .set({ holder: "", expires_at: sql<Date>`now()` })
      .where("name", "=", ROW)
      .where("term", "=", this.term)
      .execute()
      // Without the database a standby waits for the lease to run out.
      .catch((error: unknown) => log.warn({ error: String(error) }, "the lease could not be given back"));
  }

  async #renew(): Promise<void> {
    const { database, durationMs, log } = this.#options;
    try {
      const renewed = await database.kysely
        .updateTable("lease")
        .set({ expires_at: expiry(durationMs) })
        .where("name", "=", ROW)
        .where("term", "=", this.term)
        .returning("term")
        .executeTakeFirst();
      if (renewed === undefined) this.#lost.resolve(this.#fenced());
    } catch (error) {
      // Nobody can take over without the database either; what must be stored fails by itself.
      log.warn({ error: String(error) }, "the lease could not be renewed");
    }
  }

  #fenced(): SomaError {
    clearInterval(this.#timer);
    return new SomaError(
      "CONSENSUS_FENCED",
      `another instance of this validator took over after term ${this.term}: this one signs nothing more`,
    );
  }
}

/** Names this process: whether it still lives can be told on its own machine at once. */
export function holderName(instance: string | undefined): string {
  return instance === undefined ? `${hostname()} ${process.pid}` : `instance ${instance}`;
}

/** Whether the holder is known to be gone, or is who asks: then nobody waits for its lease to run out. */
export function isGone(holder: string, asking: string): boolean {
  if (holder === "" || holder === asking) return true;
  const [host, pid] = holder.split(" ") as [string, string | undefined];
  if (host !== hostname() || !/^[0-9]+$/.test(pid ?? "")) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function expiry(durationMs: number) {
  return sql<Date>`now() + ${durationMs} * interval '1 millisecond'`;
}

interface Taken {
  readonly term: bigint;
  readonly signedTerm: bigint;
}

async function tryTake({ database, holder, durationMs, above }: LeaseOptions): Promise<Taken | undefined> {
  return database.transaction(async (tx) => {
    await tx
      .insertInto("lease")
      .values({ name: ROW, term: 0n, holder: "", expires_at: sql<Date>`now()`, signed_term: 0n })
      .onConflict((c) => c.doNothing())
      .execute();
    const row = await tx
      .selectFrom("lease")
      .select(["term", "signed_term", "holder", sql<boolean>`expires_at <= now()`.as("isOver")])
      .where("name", "=", ROW)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (!row.isOver && !isGone(row.holder, holder)) return undefined;
    const term = (row.term > above ? row.term : above) + 1n;
    await tx
      .updateTable("lease")
      .set({ term, holder, expires_at: expiry(durationMs) })
      .where("name", "=", ROW)
      .execute();
    return { term, signedTerm: row.signed_term };
  });
}
