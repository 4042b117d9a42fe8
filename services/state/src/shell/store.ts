import { SomaError } from "@soma/base";
import { encode } from "@soma/codec";
import {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Checkpoint,
  CheckpointCodec,
  type Digest,
  type EpochInfo,
  EpochInfoCodec,
  type SignedOverride,
} from "@soma/protocol";
import { type Database, WriteSet } from "@soma/storage";
import { LeafListCodec } from "./leaf-list.ts";
import type { StateTables } from "./schema.ts";
import { overrideRow, type WriteBatch } from "./write-batch.ts";

/** A checkpoint of this validator's own making that has no certificate yet. */
export interface UncertifiedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly digest: Digest;
  readonly signature: Uint8Array | null;
}

/** What a checkpoint is over. */
export interface Covered {
  readonly leaves: readonly Uint8Array[];
  /** The last commit before it. */
  readonly after: bigint;
  readonly hasJobs: boolean;
}
interface CoveredRow extends Omit<Covered, "leaves"> {
  readonly leaves: Uint8Array;
}

const COVERED = `select own.leaves, coalesce(before.last_commit, 0) as after,
    exists (select from executed_transaction
      where is_job and commit > coalesce(before.last_commit, 0) and commit <= own.last_commit) as "hasJobs"
  from checkpoint own left join checkpoint before on before.sequence = own.sequence - 1
  where own.sequence = $1`;

/** What the one writer of the ledger stores, and loads at its start. */
export class StateStore {
  readonly #database: Database<StateTables>;

  constructor(database: Database<StateTables>) {
    this.#database = database;
  }

  /** Whether a ledger is stored. @throws SomaError STATE_GENESIS if it is of another genesis */
  async holds(genesis: Digest): Promise<boolean> {
    const row = await this.#database.kysely.selectFrom("origin").selectAll().executeTakeFirst();
    if (row !== undefined && row.genesis !== genesis) {
      throw new SomaError("STATE_GENESIS", `the database is of genesis ${row.genesis}, not ${genesis}`);
    }
    return row !== undefined;
  }

  async begin(genesis: Digest, batch: WriteBatch): Promise<void> {
    await changesOf(batch).insert("origin", [{ genesis }]).write(this.#database);
  }

  async *entries(): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    for (let after = ""; ; ) {
      const rows = await this.#database.kysely
        .selectFrom("entry")
        .selectAll()
        .where("key", ">", after)
        .orderBy("key")
        .limit(10_000)
        .execute();
      for (const { key, value } of rows) yield [key, value];
      if (rows.length < 10_000) return;
      after = rows.at(-1)!.key;
    }
  }

  /** DESIGN section 5: all of it or nothing. */
  async write(batch: WriteBatch): Promise<void> {
    await changesOf(batch).write(this.#database);
  }

  async uncertified(): Promise<UncertifiedCheckpoint[]> {
    const rows = await this.#database.kysely
      .selectFrom("checkpoint")
      .select(["digest", "bytes", "signature"])
      .where("certificate", "is", null)
      .orderBy("sequence")
      .execute();
    return rows.map(({ digest, bytes, signature }) => ({
      checkpoint: CheckpointCodec.parse(bytes),
      digest,
      signature,
    }));
  }

  async lastCertified(): Promise<bigint> {
    const row = await this.#database.kysely
      .selectFrom("checkpoint")
      .select("sequence")
      .where("certificate", "is not", null)
      .orderBy("sequence", "desc")
      .limit(1)
      .executeTakeFirst();
    return row?.sequence ?? 0n;
  }

  /** Certificate, updates for light clients, and the opening of the next epoch if the checkpoint names one. */
  async certify(certified: CertifiedCheckpoint, updates: readonly Uint8Array[]): Promise<void> {
    const { sequence, epoch, nextEpoch } = certified.checkpoint;
    const rows = updates.map((bytes, part) => ({ sequence, part, parts: updates.length, bytes }));
    const set = new WriteSet<StateTables>()
      .update("checkpoint", { certificate: encode(CertifiedCheckpointCodec, certified) }, { sequence })
      .insert("ledger_update", rows);
    if (nextEpoch !== null) set.update("epoch", { opened_by: sequence }, { epoch: epoch + 1n });
    await set.write(this.#database);
  }

  /** Signed bytes of the job transactions of these commits, by digest: `after` is not one of them. */
  async jobTransactions(after: bigint, last: bigint): Promise<ReadonlyMap<Digest, Uint8Array>> {
    const rows = await this.#database.kysely
      .selectFrom("executed_transaction")
      .select(["digest", "bytes"])
      .where("is_job", "=", true)
      .where("commit", ">", after)
      .where("commit", "<=", last)
      .execute();
    return new Map(rows.map(({ digest, bytes }) => [digest, bytes]));
  }

  /** What a checkpoint covers: its leaves, the last commit before it, and whether transactions of jobs are among it. */
  async coveredBy(sequence: bigint): Promise<Covered> {
    const [row] = (await this.#database.prepared(COVERED, [sequence])) as CoveredRow[];
    if (row === undefined) throw new SomaError("STATE_STORE", `checkpoint ${sequence} is not stored`);
    return { ...row, leaves: LeafListCodec.parse(row.leaves) };
  }

  async epoch(epoch: bigint): Promise<{ info: EpochInfo; isOpen: boolean } | undefined> {
    const row = await this.#database.kysely
      .selectFrom("epoch")
      .selectAll()
      .where("epoch", "=", epoch)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { info: EpochInfoCodec.parse(row.info), isOpen: row.opened_by !== null };
  }

  /** Forgets the history of commits before this one; their transactions and jobs can still be asked for by id. */
  async pruneHistory(before: bigint): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.deleteFrom("executed_commit").where("commit", "<", before).execute();
      await tx.deleteFrom("job_stage").where("commit", "<", before).execute();
    });
  }

  /** Every override that is known, as signed. */
  async overrides(): Promise<Uint8Array[]> {
    const rows = await this.#database.kysely
      .selectFrom("override")
      .select("bytes")
      .orderBy("commit")
      .orderBy("stage")
      .execute();
    return rows.map(({ bytes }) => bytes);
  }

  async keepOverride(signed: SignedOverride): Promise<void> {
    await this.#database.kysely.insertInto("override").values(overrideRow(signed)).execute();
  }

  async pruneUpdates(before: bigint): Promise<void> {
    await this.#database.kysely.deleteFrom("ledger_update").where("sequence", "<", before).execute();
  }
}

function changesOf(batch: WriteBatch): WriteSet<StateTables> {
  const kept: { key: string; value: Uint8Array }[] = [];
  const gone: string[] = [];
  for (const [key, value] of batch.entries) {
    if (value === null) gone.push(key);
    else kept.push({ key, value });
  }
  return (
    new WriteSet<StateTables>()
      .insert("entry", kept, { key: ["key"], update: ["value"] })
      .delete("entry", "key", gone)
      // A row that is there already would mean that a commit was executed twice: the primary keys refuse it.
      .insert("executed_transaction", batch.transactions)
      .insert("checkpoint", batch.checkpoints)
      .insert("epoch", batch.epochs)
      // One that was kept for this commit is there already.
      .insert("override", batch.overrides, "ignore")
      .insert("embeddings", batch.embeddings)
      .insert("closed_job", batch.closedJobs)
      .insert("executed_commit", batch.commits)
      .insert("job_stage", batch.stages)
      .insert("summary", batch.summary === null ? [] : [batch.summary], {
        key: ["is_only"],
        update: ["state_digest", "liquid", "staked", "pools", "escrowed", "recyclable", "unminted"],
      })
      .insert("job_summary", [...batch.jobs.values()], { key: ["job"], update: ["state", "outcome"] })
  );
}
