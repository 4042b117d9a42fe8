import { decodeExact, encode } from "@soma/codec";
import { type Database, type Migration, WriteSet } from "@soma/storage";
import { type EncoderJob, EncoderJobCodec } from "../../core/job.ts";

export interface EncoderTables {
  job: { id: string; state: Uint8Array };
  bulk: { job: string; kind: BulkKind; bytes: Uint8Array };
  light_client: { id: number; state: Uint8Array };
}

/** What is too large for a job's row: the blob that was committed to, and the evaluation's final vectors. */
export type BulkKind = "vectors" | "finals";

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-jobs",
    sql: `
      create table job (id text primary key, state bytea not null);
      create table bulk (
        job text not null,
        kind text not null,
        bytes bytea not null,
        primary key (job, kind)
      );
      create table light_client (id int primary key check (id = 1), state bytea not null);
    `,
  },
];

const MAX_JOB_BYTES = 16 * 1024 * 1024;

/** What steps leave behind. */
export interface StepWrites {
  readonly jobs: readonly EncoderJob[];
  readonly forgotten: readonly string[];
  readonly bulk: readonly { readonly job: string; readonly kind: BulkKind; readonly bytes: Uint8Array }[];
  /** Saved light client, if it moved. */
  readonly light: Uint8Array | undefined;
}

/** The encoder's memory in its operator's Postgres: steps are written whole, before their effects leave. */
export class EncoderStore {
  readonly #database: Database<EncoderTables>;

  constructor(database: Database<EncoderTables>) {
    this.#database = database;
  }

  /** @throws Error on a row that this version cannot read: better than to forget a commit. */
  async load(): Promise<{ jobs: EncoderJob[]; light: Uint8Array | undefined }> {
    const rows = await this.#database.kysely.selectFrom("job").select("state").execute();
    const jobs = rows.map(({ state }) => {
      const job = decodeExact(EncoderJobCodec, state, MAX_JOB_BYTES);
      if (!job.ok) throw new Error(`a stored job cannot be read: ${job.message}`);
      return job.value;
    });
    const light = await this.#database.kysely.selectFrom("light_client").select("state").executeTakeFirst();
    return { jobs, light: light?.state };
  }

  async write({ jobs, forgotten, bulk, light }: StepWrites): Promise<void> {
    if (jobs.length + forgotten.length + bulk.length === 0 && light === undefined) return;
    // First, and by itself: without the job that names them they are written again, and as an array they would be text.
    for (const { job, kind, bytes } of bulk) {
      await this.#database.kysely
        .insertInto("bulk")
        .values({ job, kind, bytes })
        .onConflict((conflict) => conflict.columns(["job", "kind"]).doUpdateSet({ bytes }))
        .execute();
    }
    const rows = jobs.map((job) => ({ id: job.id, state: encode(EncoderJobCodec, job) }));
    const set = new WriteSet<EncoderTables>()
      .insert("job", rows, { key: ["id"], update: ["state"] })
      .delete("job", "id", forgotten)
      .delete("bulk", "job", forgotten);
    if (light !== undefined)
      set.insert("light_client", [{ id: 1, state: light }], { key: ["id"], update: ["state"] });
    await set.write(this.#database);
  }

  async bulk(job: string, kind: BulkKind): Promise<Uint8Array | undefined> {
    const row = await this.#database.kysely
      .selectFrom("bulk")
      .select("bytes")
      .where("job", "=", job)
      .where("kind", "=", kind)
      .executeTakeFirst();
    return row?.bytes;
  }
}
