import { atOnce, err, ok, type Result, type Sliced } from "@soma/base";
import {
  type Address,
  type CheckpointLeafInput,
  type Commit,
  commitDigest,
  type Digest,
  type LedgerEventInput,
  type Override,
  type SettlementInput,
  type Transaction,
} from "@soma/protocol";
import { Agenda } from "./agenda.ts";
import { keepLeaves } from "./checkpoint.ts";
import type { Job } from "./game/job.ts";
import { type JobSurroundings, passDeadlines } from "./job-ledger.ts";
import type { Ledger } from "./ledger.ts";
import { changeHead } from "./money.ts";
import { barTransactions, type HaltPoint, overrideFits, overrideLeaf, setEntries } from "./override.ts";
import { jobs, overriddenTransactions } from "./records.ts";
import { LEDGER_RULES } from "./rules.ts";
import { settlementInputOf } from "./settlement.ts";
import type { Change } from "./store.ts";
import { type CommitTransaction, executeAuthorised } from "./transaction.ts";
import { wholly } from "./whole.ts";

/** A commit with what consensus and the shell know of it. */
export interface CommitInput {
  readonly commit: Commit;
  /** beacon(commit.index) of RAND-1. */
  readonly beacon: Digest;
  /** In the order of the sub-DAG's blocks and of the transactions in each. Repeats are allowed. */
  readonly transactions: readonly CommitTransaction[];
  /** DESIGN 4: what quorum stake decided for this commit, signatures checked. */
  readonly override?: Override;
}

export interface ExecutedTransaction {
  readonly digest: Digest;
  readonly sender: Address;
  readonly sequence: bigint;
  /** Empty if executed, else the code; the fee was paid in both cases. */
  readonly refusal: string;
  readonly fee: bigint;
}

/** Vectors that a final proof put on the ledger. */
export interface RecordedEmbeddings {
  readonly job: Digest;
  readonly commit: bigint;
  readonly epoch: bigint;
  readonly payer: Address;
  readonly modality: number;
  readonly winner: Address;
  readonly finals: Uint8Array;
  readonly items: number;
}

export interface ExecutedCommit {
  readonly index: bigint;
  readonly leaves: readonly CheckpointLeafInput[];
  readonly events: readonly LedgerEventInput[];
  /** Those that paid, in the order of execution. */
  readonly transactions: readonly ExecutedTransaction[];
  /** Those that could not be made to pay: they leave no trace on the ledger. */
  readonly dropped: readonly { readonly digest: Digest; readonly code: string }[];
  readonly recorded: readonly RecordedEmbeddings[];
  /** Jobs whose record is gone, in their last state. */
  readonly over: readonly Job[];
  /** To be written behind, with those of the calls before. */
  readonly changes: readonly Change[];
  readonly stateDigest: Digest;
  /** The commit closes the epoch: no other is executed before `applySettlement` (DESIGN 4). */
  readonly settlement: SettlementInput | null;
}

/**
 * Executes one commit: the same result for the same input on every validator. Nothing in a transaction makes it
 * refuse; these do, and mean that the caller's sequence is wrong: COMMIT_GAP, COMMIT_FORK, COMMIT_EPOCH,
 * COMMIT_CLOSING. SUPPLY_BREACH (LEDGER-4) and LEDGER_FAULT mean that the rules do not lead on from here, on any
 * validator: halt (DESIGN 4). OVERRIDE_POINT, OVERRIDE_ENTRY: the override is not for here. After a refusal the ledger
 * is as it was.
 */
export function executeCommit(ledger: Ledger, input: CommitInput): Result<ExecutedCommit> {
  return atOnce(executeCommitSliced(ledger, input));
}

/** `executeCommit` on a ledger that nothing else changes meanwhile; it must be run to its end. */
export function executeCommitSliced(ledger: Ledger, input: CommitInput): Sliced<Result<ExecutedCommit>> {
  return wholly(ledger, () => execute(ledger, input));
}

function* execute(ledger: Ledger, input: CommitInput): Sliced<Result<ExecutedCommit>> {
  const { commit, beacon, override } = input;
  const order = checkOrder(ledger, commit);
  if (!order.ok) return order;
  const { store, chainId, parameters } = ledger;
  const digest = commitDigest(chainId, commit);
  const omitted = override?.resolution.Execute?.omit ?? [];
  if (override !== undefined) {
    const prepared = prepareExecution(ledger, override, { commit: commit.index, commitDigest: digest });
    if (!prepared.ok) return prepared;
  }
  changeHead(store, {
    commit: commit.index,
    commitDigest: digest,
    timestampMs: commit.timestampMs,
    beacon,
    leaderBlock: commit.leader.digest,
  });
  const surroundings: JobSurroundings = {
    chainId,
    parameters,
    verifier: ledger.tools.verifier,
    rules: ledger.tools.rules ?? LEDGER_RULES,
    commit: commit.index,
    beacon,
    agenda: new Agenda(),
  };
  const run = new CommitRun(ledger, surroundings);
  barTransactions(ledger, [...omitted], commit.index);
  for (const carried of input.transactions) yield* run.take(carried);
  run.giveUpWaiting();
  const deadlines = passDeadlines(store, surroundings);
  const leaves: CheckpointLeafInput[] = [
    { Commit: { index: commit.index, digest, timestampMs: commit.timestampMs, beacon } },
    ...run.leaves,
    ...(override === undefined ? [] : [overrideLeaf(chainId, override)]),
  ];
  for (const events of deadlines.leaves) {
    leaves.push({ Deadline: { commit: commit.index, events: [...events] } });
  }
  const closes = commit.timestampMs >= ledger.currentEpoch.startTimestampMs + parameters.epochLength;
  if (closes) changeHead(store, { closing: true });
  yield* keepLeaves(store, leaves, closes);
  const sealed = yield* ledger.seal();
  if (!sealed.ok) return sealed;
  return ok({
    index: commit.index,
    leaves,
    events: [...run.events, ...deadlines.leaves.flat()],
    transactions: run.transactions,
    dropped: run.dropped,
    recorded: run.recorded,
    over: [...run.over, ...deadlines.over],
    changes: sealed.value,
    stateDigest: ledger.stateDigest(),
    settlement: closes ? settlementInputOf(store, parameters) : null,
  });
}

/** The override is for this commit and state; its entries are set. */
function prepareExecution(
  ledger: Ledger,
  override: Override,
  of: Pick<HaltPoint, "commit" | "commitDigest">,
): Result<true> {
  const { epoch } = ledger.head;
  const point = { ...of, epoch, stateDigest: ledger.stateDigest(), stage: "execution" } as const;
  const fits = overrideFits(point, override);
  return fits.ok ? setEntries(ledger, override) : fits;
}

function checkOrder(ledger: Ledger, commit: Commit): Result<true> {
  const { head } = ledger;
  if (head.closing) return err("COMMIT_CLOSING", `epoch ${head.epoch} awaits its settlement`);
  if (commit.index !== head.commit + 1n) return err("COMMIT_GAP", `the last commit was ${head.commit}`);
  if (commit.previous !== head.commitDigest) return err("COMMIT_FORK", "it does not follow the last commit");
  if (commit.epoch !== head.epoch) return err("COMMIT_EPOCH", `the epoch is ${head.epoch}`);
  return ok(true);
}

/** The transactions of one commit, in order. */
class CommitRun {
  readonly leaves: CheckpointLeafInput[] = [];
  readonly events: LedgerEventInput[] = [];
  readonly transactions: ExecutedTransaction[] = [];
  readonly dropped: { digest: Digest; code: string }[] = [];
  readonly recorded: RecordedEmbeddings[] = [];
  readonly over: Job[] = [];
  readonly #ledger: Ledger;
  readonly #surroundings: JobSurroundings;
  readonly #seen = new Set<Digest>();
  /** Transactions ahead of their sender's sequence, by "sender sequence": the DAG does not keep senders' order. */
  readonly #waiting = new Map<string, CommitTransaction>();

  constructor(ledger: Ledger, surroundings: JobSurroundings) {
    this.#ledger = ledger;
    this.#surroundings = surroundings;
  }

  *take(carried: CommitTransaction): Sliced<void> {
    if (this.#seen.has(carried.digest)) return;
    this.#seen.add(carried.digest);
    let next: CommitTransaction | undefined = carried;
    while (next !== undefined) {
      const current: CommitTransaction = next;
      const done = this.#try(current);
      next = done === undefined ? undefined : this.#release(done.sender, done.sequence + 1n);
      yield;
    }
  }

  giveUpWaiting(): void {
    for (const { digest } of this.#waiting.values()) this.dropped.push({ digest, code: "SEQUENCE_GAP" });
    this.#waiting.clear();
  }

  #release(sender: Address, sequence: bigint): CommitTransaction | undefined {
    const key = `${sender} ${sequence}`;
    const carried = this.#waiting.get(key);
    this.#waiting.delete(key);
    return carried;
  }

  /** The transaction, if it was executed or refused for its fee. */
  #try(carried: CommitTransaction): Transaction | undefined {
    const { store, chainId } = this.#ledger;
    if (overriddenTransactions.get(store, carried.digest) !== undefined) {
      this.dropped.push({ digest: carried.digest, code: "TX_OVERRIDDEN" });
      return undefined;
    }
    const authorised = this.#surroundings.rules.authorise(store, chainId, carried);
    if (!authorised.ok) {
      if (authorised.code === "SEQUENCE_GAP" && this.#wait(carried)) return undefined;
      this.dropped.push({ digest: carried.digest, code: authorised.code });
      return undefined;
    }
    const { transaction } = authorised.value;
    const before = this.#jobBefore(transaction);
    const paid = executeAuthorised(store, this.#surroundings, carried, transaction);
    this.leaves.push({
      Transaction: {
        digest: carried.digest,
        commit: this.#surroundings.commit,
        refusal: paid.refusal,
        fee: paid.fee,
        events: [...paid.events],
      },
    });
    this.events.push(...paid.events);
    this.over.push(...paid.over);
    const { sender, sequence } = transaction;
    this.transactions.push({
      digest: carried.digest,
      sender,
      sequence,
      refusal: paid.refusal,
      fee: paid.fee,
    });
    if (paid.refusal === "" && before !== undefined) this.#record(before, transaction);
    return transaction;
  }

  #wait(carried: CommitTransaction): boolean {
    if (carried.signed === null) return false;
    const { sender, sequence } = carried.signed.transaction;
    const key = `${sender} ${sequence}`;
    if (this.#waiting.has(key)) return false;
    this.#waiting.set(key, carried);
    return true;
  }

  #jobBefore({ kind }: Transaction): Job | undefined {
    return kind.$kind === "FinalProof" ? jobs.get(this.#ledger.store, kind.FinalProof.result.job) : undefined;
  }

  #record(job: Job, { kind }: Transaction): void {
    if (kind.$kind !== "FinalProof" || kind.FinalProof.result.winner === null) return;
    this.recorded.push({
      job: job.id,
      commit: this.#surroundings.commit,
      epoch: job.epoch,
      payer: job.payer,
      modality: job.modality,
      winner: kind.FinalProof.result.winner,
      finals: kind.FinalProof.finals,
      items: job.items,
    });
  }
}
