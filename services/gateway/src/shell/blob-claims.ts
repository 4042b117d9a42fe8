import { SomaError } from "@soma/base";
import type { JobId } from "@soma/protocol";
import type { Database, Migration } from "@soma/storage";

export interface BlobTables {
  /** Who put a blob here. */
  blob: { hash: string; client: string; size: bigint; put_at: Date };
  /** Which blob a job uses as what. */
  blob_claim: { job: string; role: string; hash: string; claimed_at: Date };
}

export const BLOB_MIGRATION: Migration = {
  name: "0003-blob-claims",
  sql: `create table blob (
    hash text primary key,
    client text not null,
    size bigint not null,
    put_at timestamptz not null default now()
  );
  create index blob_client on blob (client);
  create index blob_put on blob (put_at);
  create table blob_claim (
    job text not null,
    role text not null,
    hash text not null,
    claimed_at timestamptz not null default now(),
    primary key (job, role)
  );
  create index blob_claim_hash on blob_claim (hash);
  create index blob_claim_at on blob_claim (claimed_at);`,
};

export interface BlobLimits {
  /** Bytes of one client that no job refers to. */
  readonly unclaimedBytes: number;
  /** Milliseconds that a blob is kept without a job. */
  readonly unclaimedAgeMs: number;
}

/**
 * Who put which blob, and which job refers to it. Blobs of no job are counted against whoever put them and expire
 * soon; a job pays for its own. Replicas share this.
 */
export class BlobClaims {
  readonly #database: Database<BlobTables>;
  readonly limits: BlobLimits;
  /** Bytes on their way in, by client. */
  readonly #incoming = new Map<string, number>();

  constructor(database: Database<BlobTables>, limits: BlobLimits) {
    this.#database = database;
    this.limits = limits;
  }

  /**
   * Makes room for a blob that is about to come; the result gives the room back.
   * @throws SomaError GATEWAY_QUOTA_UNCLAIMED, with the time at which the oldest of the client's blobs expires
   */
  async reserve(client: string | undefined, size: number): Promise<() => void> {
    if (client === undefined) return () => undefined;
    // Counted first, so that uploads side by side see one another.
    this.#incoming.set(client, (this.#incoming.get(client) ?? 0) + size);
    const release = () => {
      const left = (this.#incoming.get(client) ?? size) - size;
      if (left === 0) this.#incoming.delete(client);
      else this.#incoming.set(client, left);
    };
    try {
      const { bytes, oldest } = await this.#unclaimedOf(client);
      if (bytes + this.#incoming.get(client)! > this.limits.unclaimedBytes) {
        const expires = (oldest?.getTime() ?? Date.now()) + this.limits.unclaimedAgeMs;
        throw new SomaError(
          "GATEWAY_QUOTA_UNCLAIMED",
          `your address has ${bytes} bytes here that no job refers to, and may have ${this.limits.unclaimedBytes}; ` +
            "pay for the jobs, or wait until the blobs expire",
          { retryAfterSeconds: Math.max(1, (expires - Date.now()) / 1000) },
        );
      }
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** A blob is here. Whoever put it first answers for it. */
  async put(hash: string, client: string | undefined, size: number): Promise<void> {
    await this.#database.kysely
      .insertInto("blob")
      .values({ hash, client: client ?? "", size: BigInt(size), put_at: new Date() })
      .onConflict((conflict) => conflict.column("hash").doUpdateSet({ put_at: new Date() }))
      .execute();
  }

  /**
   * A blob that is here is put again, and kept as long as a new one. Unless a job refers to it, whoever does so answers
   * for it from now on, so that nobody can have another's share stay used up. @throws SomaError GATEWAY_QUOTA_UNCLAIMED
   */
  async renew(hash: string, client: string | undefined, size: number): Promise<void> {
    const row = await this.#database.kysely
      .selectFrom("blob")
      .select(["client", "put_at"])
      .where("hash", "=", hash)
      .executeTakeFirst();
    const isCounted = row !== undefined && row.put_at.getTime() >= Date.now() - this.limits.unclaimedAgeMs;
    const isTheirs = isCounted && row.client === (client ?? "");
    if (isTheirs || (await this.claimed([hash])).size > 0) return this.put(hash, client, size);
    const release = await this.reserve(client, size);
    try {
      await this.#database.kysely
        .insertInto("blob")
        .values({ hash, client: client ?? "", size: BigInt(size), put_at: new Date() })
        .onConflict((conflict) =>
          conflict.column("hash").doUpdateSet({ client: client ?? "", put_at: new Date() }),
        )
        .execute();
    } finally {
      release();
    }
  }

  /** A job refers to a blob: once in each role, so that nobody claims what is not the job's. */
  async claim(job: JobId, role: string, hash: string): Promise<void> {
    await this.#database.kysely
      .insertInto("blob_claim")
      .values({ job, role, hash, claimed_at: new Date() })
      .onConflict((conflict) => conflict.columns(["job", "role"]).doNothing())
      .execute();
  }

  /** Bytes of a blob that was put here by a client. */
  async sizeOf(hash: string): Promise<bigint | undefined> {
    const row = await this.#database.kysely
      .selectFrom("blob")
      .select("size")
      .where("hash", "=", hash)
      .executeTakeFirst();
    return row?.size;
  }

  /** Those of the given blobs to which a job refers. */
  async claimed(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    if (hashes.length === 0) return new Set();
    const rows = await this.#database.kysely
      .selectFrom("blob_claim")
      .select("hash")
      .where("hash", "in", hashes)
      .execute();
    return new Set(rows.map(({ hash }) => hash));
  }

  /** Forgets what expired. */
  async prune(nowMs: number, claimedAgeMs: number): Promise<void> {
    const unclaimed = new Date(nowMs - this.limits.unclaimedAgeMs);
    const old = new Date(nowMs - claimedAgeMs);
    await this.#database.kysely.deleteFrom("blob_claim").where("claimed_at", "<", old).execute();
    await this.#database.kysely
      .deleteFrom("blob")
      .where("put_at", "<", unclaimed)
      .where((e) =>
        e.or([
          e("put_at", "<", old),
          e.not(
            e.exists(e.selectFrom("blob_claim").whereRef("blob_claim.hash", "=", "blob.hash").select("job")),
          ),
        ]),
      )
      .execute();
  }

  async #unclaimedOf(client: string): Promise<{ bytes: number; oldest: Date | undefined }> {
    const since = new Date(Date.now() - this.limits.unclaimedAgeMs);
    const row = await this.#database.kysely
      .selectFrom("blob")
      .select((e) => [e.fn.sum<bigint | null>("size").as("bytes"), e.fn.min("put_at").as("oldest")])
      .where("client", "=", client)
      .where("put_at", ">=", since)
      .where((e) =>
        e.not(
          e.exists(e.selectFrom("blob_claim").whereRef("blob_claim.hash", "=", "blob.hash").select("job")),
        ),
      )
      .executeTakeFirstOrThrow();
    return { bytes: Number(row.bytes ?? 0n), oldest: (row.oldest as Date | null) ?? undefined };
  }
}
