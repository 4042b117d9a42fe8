import type {
  ListCheckpoints,
  ListCommits,
  ListEpochs,
  ListJobs,
  ListTransactions,
  Payload,
  Reply,
} from "@soma/contracts";
import { CheckpointCodec, EpochInfoCodec } from "@soma/protocol";
import type { Reading } from "@soma/storage";
import type { StateTables } from "./schema.ts";

type JobRow = Reply<typeof ListJobs>["jobs"][number];
type CommitRow = Reply<typeof ListCommits>["commits"][number];

/** The commits whose history is kept. */
export interface Kept {
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads pages of what happened on the ledger. A page begins after what never changes, so that none shifts. */
export class HistoryReader {
  readonly #reading: Reading<StateTables>;

  constructor(reading: Reading<StateTables>) {
    this.#reading = reading;
  }

  async kept(): Promise<Kept | null> {
    const { first, last } = await this.#reading
      .selectFrom("executed_commit")
      .select((e) => [e.fn.min("commit").as("first"), e.fn.max("commit").as("last")])
      .executeTakeFirstOrThrow();
    return first === null || last === null ? null : { first, last };
  }

  async jobs({ after, limit, state, payer }: Payload<typeof ListJobs>): Promise<JobRow[]> {
    let query = this.#reading.selectFrom("job_summary").selectAll();
    if (state !== null) query = query.where("state", "=", state);
    if (payer !== null) query = query.where("payer", "=", payer);
    if (after !== null) {
      query = query.where((e) => e(e.refTuple("paid_at", "job"), "<", e.tuple(after.commit, after.job)));
    }
    const rows = await query.orderBy("paid_at", "desc").orderBy("job", "desc").limit(limit).execute();
    return rows.map(({ job, payer, paid_at, state, outcome }) => ({
      job,
      payer,
      state: state as JobRow["state"],
      paidAtCommit: paid_at,
      outcome,
    }));
  }

  async commits({ before, limit }: Payload<typeof ListCommits>): Promise<CommitRow[]> {
    const query = this.#reading
      .selectFrom("executed_commit")
      .selectAll()
      .orderBy("commit", "desc")
      .limit(limit);
    const rows = await (before === null ? query : query.where("commit", "<", before)).execute();
    return rows.map(commitRow);
  }

  async transactions(asked: Payload<typeof ListTransactions>): Promise<Reply<typeof ListTransactions>> {
    const kept = await this.kept();
    if (kept === null || asked.commit > kept.last) return { status: "later", transactions: [] };
    if (asked.commit < kept.first) return { status: "pruned", transactions: [] };
    const transactions = await this.#reading
      .selectFrom("executed_transaction")
      .select(["commit", "position", "digest", "sender", "refusal"])
      .where("commit", "=", asked.commit)
      .where("position", ">", asked.after ?? -1)
      .orderBy("position")
      .limit(asked.limit)
      .execute();
    return { status: "known", transactions: transactions.map(transactionRow) };
  }

  async checkpoints(
    asked: Payload<typeof ListCheckpoints>,
  ): Promise<Reply<typeof ListCheckpoints>["checkpoints"]> {
    const isUp = asked.order === "ascending";
    let query = this.#reading
      .selectFrom("checkpoint")
      .select(["digest", "bytes"])
      .where("certificate", "is not", null)
      .orderBy("sequence", isUp ? "asc" : "desc")
      .limit(asked.limit);
    if (asked.after !== null) query = query.where("sequence", isUp ? ">" : "<", asked.after);
    const rows = await query.execute();
    return rows.map(({ digest, bytes }) => {
      const {
        previous: _,
        commitDigest: __,
        commitIndex,
        timestampMs,
        ...rest
      } = CheckpointCodec.parse(bytes);
      return { ...rest, digest, commit: commitIndex, timestampMs: Number(timestampMs) };
    });
  }

  async epochs({ before, limit }: Payload<typeof ListEpochs>): Promise<Reply<typeof ListEpochs>["epochs"]> {
    const query = this.#reading
      .selectFrom("epoch")
      .select(["info", "opened_by"])
      .where("opened_by", "is not", null)
      .orderBy("epoch", "desc")
      .limit(limit);
    const rows = await (before === null ? query : query.where("epoch", "<", before)).execute();
    return rows.map(({ info, opened_by }) => {
      const { epoch, startTimestampMs, lastCommit, committee, roster, baseFee, protocolVersion, parameters } =
        EpochInfoCodec.parse(info);
      return {
        epoch,
        startTimestampMs: Number(startTimestampMs),
        lastCommit,
        validators: committee.length,
        encoders: roster.length,
        baseFee,
        protocolVersion,
        parameters,
        openedByCheckpoint: opened_by!,
      };
    });
  }
}

export function commitRow(row: StateTables["executed_commit"]): CommitRow {
  const { commit, epoch, digest, timestamp_ms, beacon, transactions } = row;
  return { commit, epoch, digest, timestampMs: Number(timestamp_ms), beacon, transactions };
}

export function transactionRow(
  row: Pick<StateTables["executed_transaction"], "commit" | "position" | "digest" | "sender" | "refusal">,
): Reply<typeof ListTransactions>["transactions"][number] {
  return { ...row, refusal: row.refusal === "" ? null : row.refusal };
}
