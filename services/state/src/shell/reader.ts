import {
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  type Digest,
  type EpochHandover,
  type EpochInfo,
  EpochInfoCodec,
  type JobId,
} from "@soma/protocol";
import type { Reading } from "@soma/storage";
import { type Job, JobCodec } from "../core/index.ts";
import type { LeafList, LeafLists, ProvenLeaf } from "./leaf-list.ts";
import type { StateTables } from "./schema.ts";

/** A transaction that the ledger executed or refused for its fee. */
export interface TransactionView {
  readonly commit: bigint;
  readonly refusal: string;
  readonly bytes: Uint8Array;
  /** Once a certified checkpoint covers it. */
  readonly proof: (ProvenLeaf & { readonly checkpoint: bigint }) | null;
}

/** Answers from what is stored: everything but the ledger's present entries. */
export class StateReader {
  readonly #reading: Reading<StateTables>;
  readonly #leaves: LeafLists;

  constructor(reading: Reading<StateTables>, leaves: LeafLists) {
    this.#reading = reading;
    this.#leaves = leaves;
  }

  async transaction(digest: Digest): Promise<TransactionView | undefined> {
    const row = await this.#reading
      .selectFrom("executed_transaction")
      .select(["commit", "refusal", "bytes"])
      .where("digest", "=", digest)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const covered = await this.#covering(row.commit);
    const proof =
      covered === undefined ? null : { ...covered.list.transaction(digest), checkpoint: covered.sequence };
    return { ...row, proof };
  }

  async commitLeaf(index: bigint): Promise<(ProvenLeaf & { readonly checkpoint: bigint }) | undefined> {
    const covered = await this.#covering(index);
    return covered === undefined
      ? undefined
      : { ...covered.list.commit(index), checkpoint: covered.sequence };
  }

  /** The newest for null. */
  async certificate(sequence: bigint | null): Promise<CertifiedCheckpoint | null> {
    const query = this.#reading
      .selectFrom("checkpoint")
      .select("certificate")
      .where("certificate", "is not", null)
      .orderBy("sequence", "desc")
      .limit(1);
    const row = await (sequence === null ? query : query.where("sequence", "=", sequence)).executeTakeFirst();
    return row === undefined ? null : CertifiedCheckpointCodec.parse(row.certificate!);
  }

  /** Ascending from `from` on, within `maxBytes`. */
  async certificates(from: bigint, limit: number, maxBytes: number): Promise<CertifiedCheckpoint[]> {
    const rows = await this.#reading
      .selectFrom("checkpoint")
      .select("certificate")
      .where("sequence", ">=", from)
      .where("certificate", "is not", null)
      .orderBy("sequence")
      .limit(limit)
      .execute();
    const found: CertifiedCheckpoint[] = [];
    let size = 0;
    for (const { certificate } of rows) {
      size += certificate!.length;
      if (size > maxBytes) break;
      found.push(CertifiedCheckpointCodec.parse(certificate!));
    }
    return found;
  }

  /** An epoch that is open, or was. */
  async epoch(epoch: bigint): Promise<EpochInfo | null> {
    const row = await this.#reading
      .selectFrom("epoch")
      .select("info")
      .where("epoch", "=", epoch)
      .where("opened_by", "is not", null)
      .executeTakeFirst();
    return row === undefined ? null : EpochInfoCodec.parse(row.info);
  }

  /** The last one that is open. */
  async newestEpoch(): Promise<EpochInfo | null> {
    const row = await this.#reading
      .selectFrom("epoch")
      .select("info")
      .where("opened_by", "is not", null)
      .orderBy("epoch", "desc")
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : EpochInfoCodec.parse(row.info);
  }

  /** Hand-overs out of `fromEpoch` and the following ones, within `maxBytes`. */
  async handovers(fromEpoch: bigint, limit: number, maxBytes: number): Promise<EpochHandover[]> {
    const rows = await this.#reading
      .selectFrom("epoch")
      .innerJoin("checkpoint", "checkpoint.sequence", "epoch.opened_by")
      .select(["info", "certificate"])
      .where("epoch", ">", fromEpoch)
      .orderBy("epoch")
      .limit(limit)
      .execute();
    const found: EpochHandover[] = [];
    let size = 0;
    for (const { info, certificate } of rows) {
      size += info.length + certificate!.length;
      if (size > maxBytes) break;
      found.push({
        certificate: CertifiedCheckpointCodec.parse(certificate!),
        info: EpochInfoCodec.parse(info),
      });
    }
    return found;
  }

  async ledgerUpdate(sequence: bigint, part: number): Promise<{ parts: number; update: Uint8Array } | null> {
    const row = await this.#reading
      .selectFrom("ledger_update")
      .select(["parts", "bytes"])
      .where("sequence", "=", sequence)
      .where("part", "=", part)
      .executeTakeFirst();
    return row === undefined ? null : { parts: row.parts, update: row.bytes };
  }

  async closedJob(job: JobId): Promise<Job | undefined> {
    const row = await this.#reading
      .selectFrom("closed_job")
      .select("bytes")
      .where("job", "=", job)
      .executeTakeFirst();
    return row === undefined ? undefined : JobCodec.parse(row.bytes);
  }

  /** Payload of `embeddings-recorded`. */
  async embeddings(job: JobId): Promise<Uint8Array | undefined> {
    const row = await this.#reading
      .selectFrom("embeddings")
      .select("payload")
      .where("job", "=", job)
      .executeTakeFirst();
    return row?.payload;
  }

  /** Oldest first; all of the last commit, even beyond `limit`, so that whoever asks can go on after it. */
  async embeddingsAfter(commit: bigint, limit: number): Promise<{ job: JobId; commit: bigint }[]> {
    const query = this.#reading
      .selectFrom("embeddings")
      .select(["job", "commit"])
      .orderBy("commit")
      .orderBy("job");
    const rows = await query.where("commit", ">", commit).limit(limit).execute();
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return rows;
    const whole = await query.where("commit", "=", last.commit).execute();
    return [...rows.filter((row) => row.commit !== last.commit), ...whole];
  }

  /** The certified checkpoint that covers a commit. */
  async #covering(commit: bigint): Promise<{ sequence: bigint; list: LeafList } | undefined> {
    const found = await this.#reading
      .selectFrom("checkpoint")
      .select(["sequence", (e) => e("certificate", "is not", null).as("isCertified")])
      .where("last_commit", ">=", commit)
      .orderBy("last_commit")
      .limit(1)
      .executeTakeFirst();
    if (found === undefined || !found.isCertified) return undefined;
    const { sequence } = found;
    const list = await this.#leaves.of(sequence, async () => {
      const { leaves } = await this.#reading
        .selectFrom("checkpoint")
        .select("leaves")
        .where("sequence", "=", sequence)
        .executeTakeFirstOrThrow();
      return leaves;
    });
    return { sequence, list };
  }
}
