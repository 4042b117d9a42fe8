import { SomaError } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { type BlockRef, type Commit, CommitCodec } from "@soma/protocol";
import { type Database, type Migration, WriteSet } from "@soma/storage";
import {
  type CertifiedCommit,
  CONSENSUS_BOUNDS,
  type CommitBatch,
  decodeCertifiedBlock,
  type SequenceSnapshot,
  type StoredCommit,
  type VerifiedBlock,
} from "../core/index.ts";
import { formatSnapshot, parseSnapshot } from "./snapshot-format.ts";

export interface ConsensusTables {
  block: { digest: string; epoch: bigint; round: number; author: number; bytes: Uint8Array };
  commit_point: {
    index: bigint;
    epoch: bigint;
    digest: string;
    leader_round: number;
    bytes: Uint8Array;
    snapshot: string;
  };
  certificate: { index: bigint; voters: string };
  /** Which instance of this validator is active. */
  lease: {
    name: string;
    term: bigint;
    holder: string;
    expires_at: Date;
    /** The newest term in which something may have been signed. */
    signed_term: bigint;
  };
}

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "0001-blocks-and-commits",
    sql: `create table block (
      digest text primary key,
      epoch bigint not null,
      round integer not null,
      author integer not null,
      bytes bytea not null
    );
    create index block_round on block (epoch, round);
    create table commit_point (
      index bigint primary key,
      epoch bigint not null,
      digest text not null,
      leader_round integer not null,
      bytes bytea not null,
      snapshot text not null
    );
    create index commit_epoch on commit_point (epoch, index);
    create table certificate (index bigint primary key, voters text not null);`,
  },
  {
    name: "0002-lease",
    sql: `create table lease (
      name text primary key,
      term bigint not null,
      holder text not null,
      expires_at timestamptz not null
    );`,
  },
  {
    // Of a network that went on before, any term up to now may have signed.
    name: "0003-signed-term",
    sql: `alter table lease add column signed_term bigint not null default 0;
    update lease set signed_term = term;`,
  },
];

const MAX_COMMIT_BYTES = 16 * 1024 * 1024;
/** Blocks that one query reads for several commits; one commit's are read together however many they are. */
const READ_AT_ONCE = 64;
const MAX_PROOF = BigInt(CONSENSUS_BOUNDS.commitProof);

/** Blocks, commits and certificates of one validator, for restarts and for peers that lag. */
export class ConsensusStore {
  readonly #database: Database<ConsensusTables>;
  readonly #chainId: string;

  constructor(database: Database<ConsensusTables>, chainId: string) {
    this.#database = database;
    this.#chainId = chainId;
  }

  /** All of it or nothing (`persist` and `store-certificate` effects in a row). A repeat after a crash changes nothing. */
  async persist(
    blocks: readonly VerifiedBlock[],
    commits: readonly StoredCommit[],
    certificates: readonly CertifiedCommit[],
  ): Promise<void> {
    const rows = blocks.map(({ ref, body, bytes }) => ({
      digest: ref.digest,
      epoch: body.epoch,
      round: ref.round,
      author: ref.author,
      bytes,
    }));
    const points = commits.map(({ commit, digest, snapshot }) => ({
      index: commit.index,
      epoch: commit.epoch,
      digest,
      leader_round: commit.leader.round,
      bytes: encode(CommitCodec, commit),
      snapshot: formatSnapshot(snapshot),
    }));
    const proofs = certificates.map(({ index, voters }) => ({
      index,
      voters: JSON.stringify(voters.map(({ digest }) => digest)),
    }));
    await new WriteSet<ConsensusTables>()
      .insert("block", rows, "ignore")
      .insert("commit_point", points, "ignore")
      .insert("certificate", proofs, "ignore")
      .write(this.#database);
  }

  async last(): Promise<SequenceSnapshot | null> {
    const row = await this.#database.kysely
      .selectFrom("commit_point")
      .select("snapshot")
      .orderBy("index", "desc")
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : parseSnapshot(row.snapshot);
  }

  /** Commits and blocks of an epoch whose round is above `round`. */
  async above(epoch: bigint, round: number): Promise<{ commits: Commit[]; blocks: VerifiedBlock[] }> {
    const commits = await this.#database.kysely
      .selectFrom("commit_point")
      .select("bytes")
      .where("epoch", "=", epoch)
      .where("leader_round", ">", round)
      .orderBy("index")
      .execute();
    const blocks = await this.#database.kysely
      .selectFrom("block")
      .select("bytes")
      .where("epoch", "=", epoch)
      .where("round", ">", round)
      .orderBy("round")
      .orderBy("author")
      .execute();
    return {
      commits: commits.map((row) => this.#commit(row.bytes)),
      blocks: blocks.map((row) => this.#block(row.bytes)),
    };
  }

  async blocks(refs: readonly BlockRef[]): Promise<VerifiedBlock[]> {
    if (refs.length === 0) return [];
    const rows = await this.#database.kysely
      .selectFrom("block")
      .select(["digest", "bytes"])
      .where(
        "digest",
        "in",
        refs.map(({ digest }) => digest),
      )
      .execute();
    const byDigest = new Map(rows.map((row) => [row.digest, row.bytes]));
    return refs.flatMap(({ digest }) => {
      const bytes = byDigest.get(digest);
      return bytes === undefined ? [] : [this.#block(bytes)];
    });
  }

  /** Commits from an index on, in order, with their blocks: what the executor is sent again. */
  async *replay(
    from: bigint,
  ): AsyncGenerator<{ commit: Commit; digest: string; snapshot: SequenceSnapshot; blocks: VerifiedBlock[] }> {
    for (let next = from; ; ) {
      const rows = await this.#database.kysely
        .selectFrom("commit_point")
        .selectAll()
        .where("index", ">=", next)
        .orderBy("index")
        .limit(64)
        .execute();
      const commits = rows.map((row) => ({ row, commit: this.#commit(row.bytes) }));
      for await (const { row, commit, blocks } of this.#withBlocks(commits)) {
        yield { commit, digest: row.digest, snapshot: parseSnapshot(row.snapshot), blocks };
        next = row.index + 1n;
      }
      if (rows.length < 64) return;
    }
  }

  /** Adds their blocks, those of several commits read at once. */
  async *#withBlocks<T extends { readonly commit: Commit }>(
    commits: readonly T[],
  ): AsyncGenerator<T & { blocks: VerifiedBlock[] }> {
    for (let at = 0, next = 0; at < commits.length; at = next) {
      let refs = 0;
      do refs += commits[next++]!.commit.blocks.length;
      while (next < commits.length && refs + commits[next]!.commit.blocks.length <= READ_AT_ONCE);
      const some = commits.slice(at, next);
      const found = await this.blocks(some.flatMap(({ commit }) => commit.blocks));
      const byDigest = new Map(found.map((block) => [block.ref.digest, block]));
      for (const entry of some) {
        const blocks = entry.commit.blocks.flatMap(({ digest }) => byDigest.get(digest) ?? []);
        yield { ...entry, blocks };
      }
    }
  }

  /**
   * CONS-9: at most `limit` commits of one epoch after `after` with their blocks, of about `maxBytes` but at least one;
   * then, without blocks, those up to the first that is certified or the epoch's last. Null if no such is stored.
   */
  async batch(after: bigint, limit: number, maxBytes: number): Promise<CommitBatch | null> {
    const rows = await this.#database.kysely
      .selectFrom("commit_point")
      .select(["index", "epoch", "bytes"])
      .where("index", ">", after)
      .orderBy("index")
      .limit(limit)
      .execute();
    const first = rows[0];
    if (first === undefined || first.index !== after + 1n) return null;
    const taken: { commit: Commit; blocks: VerifiedBlock[] }[] = [];
    let size = 0;
    const ofEpoch = rows
      .filter((row) => row.epoch === first.epoch)
      .map((row) => ({ row, commit: this.#commit(row.bytes) }));
    for await (const { row, commit, blocks } of this.#withBlocks(ofEpoch)) {
      size += row.bytes.length + blocks.reduce((sum, block) => sum + block.bytes.length, 0);
      if (size > maxBytes && taken.length > 0) break;
      taken.push({ commit, blocks });
    }
    const last = taken.at(-1)!.commit.index;
    const end = await this.#certified(first.epoch, after, last);
    if (end === null) return null;
    const kept = taken.filter(({ commit }) => commit.index <= end);
    return {
      commits: kept.map(({ commit }) => commit),
      blocks: kept.flatMap(({ blocks }) => blocks),
      proof: await this.#between(last, end),
      voters: await this.#voters(end),
    };
  }

  /**
   * The first commit from `last` on that is certified or ends its epoch, within the bound of a proof. The newest commits
   * of a running epoch have no certificate yet: then the last one after `after` that has.
   */
  async #certified(epoch: bigint, after: bigint, last: bigint): Promise<bigint | null> {
    const certificates = this.#database.kysely
      .selectFrom("certificate")
      .innerJoin("commit_point", "commit_point.index", "certificate.index")
      .where("commit_point.epoch", "=", epoch);
    const next = await certificates
      .where("certificate.index", ">=", last)
      .select((e) => e.fn.min("certificate.index").as("index"))
      .executeTakeFirst();
    const ahead = next?.index ?? (await this.#closing(epoch));
    if (ahead !== null && ahead >= last && ahead - last <= MAX_PROOF) return ahead;
    const before = await certificates
      .where("certificate.index", ">", after)
      .where("certificate.index", "<", last)
      .select((e) => e.fn.max("certificate.index").as("index"))
      .executeTakeFirst();
    return before?.index ?? null;
  }

  /** The commit that closed an epoch, if one did. */
  async #closing(epoch: bigint): Promise<bigint | null> {
    const row = await this.#database.kysely
      .selectFrom("commit_point")
      .select(["index", "snapshot"])
      .where("epoch", "=", epoch)
      .orderBy("index", "desc")
      .limit(1)
      .executeTakeFirst();
    return row !== undefined && parseSnapshot(row.snapshot).closed ? row.index : null;
  }

  async #between(last: bigint, end: bigint): Promise<Commit[]> {
    const rows = await this.#database.kysely
      .selectFrom("commit_point")
      .select("bytes")
      .where("index", ">", last)
      .where("index", "<=", end)
      .orderBy("index")
      .execute();
    return rows.map((row) => this.#commit(row.bytes));
  }

  async #voters(index: bigint): Promise<VerifiedBlock[]> {
    const row = await this.#database.kysely
      .selectFrom("certificate")
      .select("voters")
      .where("index", "=", index)
      .executeTakeFirst();
    if (row === undefined) return [];
    const digests = JSON.parse(row.voters) as string[];
    return this.blocks(digests.map((digest) => ({ round: 0, author: 0, digest })));
  }

  /** Forgets epochs before `epoch`. */
  async prune(epoch: bigint): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const oldest = await tx
        .selectFrom("commit_point")
        .select((e) => e.fn.min("index").as("index"))
        .where("epoch", ">=", epoch)
        .executeTakeFirst();
      await tx.deleteFrom("block").where("epoch", "<", epoch).execute();
      await tx.deleteFrom("commit_point").where("epoch", "<", epoch).execute();
      if (oldest?.index != null) {
        await tx.deleteFrom("certificate").where("index", "<", oldest.index).execute();
      }
    });
  }

  #commit(bytes: Uint8Array): Commit {
    const decoded = decodeExact(CommitCodec, bytes, MAX_COMMIT_BYTES);
    if (!decoded.ok)
      throw new SomaError("CONSENSUS_STORE", `a stored commit does not decode: ${decoded.message}`);
    return decoded.value;
  }

  /** Stored blocks were verified when they came. */
  #block(bytes: Uint8Array): VerifiedBlock {
    const decoded = decodeCertifiedBlock(this.#chainId, bytes);
    if (!decoded.ok)
      throw new SomaError("CONSENSUS_STORE", `a stored block does not decode: ${decoded.message}`);
    return decoded.value;
  }
}
