import type { Result } from "@soma/base";
import type { CommittedSubDag } from "@soma/consensus/core";
import { ltExpandNative } from "@soma/crypto/native";
import {
  type Checkpoint,
  type CommitteeMember,
  type Digest,
  type EpochInfo,
  type Override,
  type SettlementInput,
  stageOf,
} from "@soma/protocol";
import {
  applySettlement,
  buildCheckpoint,
  type Change,
  type CommitTransaction,
  checkpointDue,
  type ExecutedCommit,
  executeCommit,
  type HaltPoint,
  LEDGER_RULES,
  Ledger,
  type LedgerTools,
  overrideSettlement,
  type SettledEpoch,
  settlementPoint,
} from "@soma/state/core";
import { networkVerifier } from "./network-crypto.ts";
import { faultyRules, settleAs } from "./release-fault.ts";
import type { NetworkWorld } from "./world.ts";

/** A checkpoint that this validator built, with what proves its facts. */
export interface OwnCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly digest: Digest;
  readonly leaves: readonly Uint8Array[];
  /** The epoch that it opens. */
  readonly next: EpochInfo | null;
}

/** What one commit came to. */
export interface Execution {
  readonly executed: ExecutedCommit;
  readonly transactions: readonly CommitTransaction[];
  readonly opened: EpochInfo | null;
  readonly checkpoint: OwnCheckpoint | null;
}

/**
 * The executor of one validator: the real ledger with what a database holds of it. Each commit is one transaction of
 * that database; a restart loads from it.
 */
export class LedgerHost {
  readonly #world: NetworkWorld;
  readonly #tools: LedgerTools;
  #written = new Map<string, Uint8Array>();
  #ledger: Ledger;
  /** A closing commit that is executed and not settled. */
  #closing: Pick<Execution, "executed" | "transactions"> | null = null;
  /** By sequence number, from 1. */
  readonly checkpoints: OwnCheckpoint[] = [];
  /** Bytes of executed transactions. */
  readonly bytesOf = new Map<Digest, Uint8Array>();
  readonly epochs = new Map<bigint, EpochInfo>();

  constructor(world: NetworkWorld) {
    this.#world = world;
    this.#tools = {
      verifier: networkVerifier,
      expand: ltExpandNative,
      rules: faultyRules(world.fault, { ...LEDGER_RULES, ...world.deviation.ledgerRules }),
    };
    this.#ledger = this.#fromGenesis();
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get head(): bigint {
    return this.#ledger.head.commit;
  }

  #fromGenesis(): Ledger {
    this.checkpoints.length = 0;
    this.#written = new Map();
    const made = Ledger.fromGenesis(this.#world.file, this.#tools);
    if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
    this.#write(made.value.changes);
    this.epochs.set(0n, made.value.ledger.currentEpoch);
    return made.value.ledger;
  }

  /** What a new process does: everything from the database, which holds commits up to `stored`. */
  restart(stored: bigint): void {
    const wasClosing = this.#closing !== null;
    this.#closing = null;
    if (stored < this.head) {
      // The database is an older one, so the ledger in it is too: it is what its commits make of genesis.
      this.#ledger = this.#fromGenesis();
      return;
    }
    const loaded = Ledger.load(this.#written, this.#tools);
    if (!loaded.ok) throw new Error(`${loaded.code}: ${loaded.message}`);
    // A closing commit is written with its settlement.
    if (!wasClosing && loaded.value.stateDigest() !== this.#ledger.stateDigest())
      throw new Error("LOADED_LEDGER_DIFFERS");
    this.#ledger = loaded.value;
  }

  /** Executes and settles the next commit, or tries again where it halted. The code if the ledger refuses. */
  execute(
    committed: CommittedSubDag,
    committee: readonly CommitteeMember[],
    beforeSettlement: (executed: ExecutedCommit, transactions: readonly CommitTransaction[]) => void,
    override: Override | undefined,
  ): Execution | string {
    const ledger = this.#ledger;
    const { commit, beacon } = committed;
    let closing = this.#closing;
    if (closing === null) {
      const transactions = this.#transactionsOf(committed, committee);
      const input = { commit, beacon, transactions };
      const isOverridden = override !== undefined && stageOf(override) === "execution";
      const executed = executeCommit(ledger, isOverridden ? { ...input, override } : input);
      if (!executed.ok) return executed.code;
      closing = { executed: executed.value, transactions };
      for (const { digest, bytes } of transactions) this.bytesOf.set(digest, bytes);
      beforeSettlement(executed.value, transactions);
    }
    const { executed, transactions } = closing;
    let opened: EpochInfo | null = null;
    const settling: Change[] = [];
    if (executed.settlement !== null) {
      this.#closing = closing;
      const settled = this.#settle(executed.settlement, override);
      if (!settled.ok) return settled.code;
      settling.push(...settled.value.changes);
      opened = settled.value.next;
      this.epochs.set(opened.epoch, opened);
    }
    this.#closing = null;
    this.#write(executed.changes);
    this.#write(settling);
    let checkpoint: OwnCheckpoint | null = null;
    if (checkpointDue(ledger)) {
      const built = buildCheckpoint(ledger);
      if (!built.ok) return built.code;
      this.#write(built.value.changes);
      const next = built.value.checkpoint.nextEpoch === null ? null : ledger.currentEpoch;
      checkpoint = {
        checkpoint: built.value.checkpoint,
        digest: built.value.digest,
        leaves: built.value.leaves,
        next,
      };
      this.checkpoints.push(checkpoint);
    }
    return { executed, transactions, opened, checkpoint };
  }

  /** Whether this commit is executed and awaits its settlement. */
  isClosing(commit: bigint): boolean {
    return this.#closing !== null && this.#closing.executed.index === commit;
  }

  /** Where it stands if `committed` cannot be executed or settled. */
  haltAt({ commit, digest }: CommittedSubDag): HaltPoint {
    const ledger = this.#ledger;
    if (this.#closing !== null) return settlementPoint(ledger);
    const { epoch } = ledger.head;
    const stateDigest = ledger.stateDigest();
    return { epoch, commit: commit.index, commitDigest: digest, stateDigest, stage: "execution" };
  }

  #settle(input: SettlementInput, override: Override | undefined): Result<SettledEpoch> {
    if (override !== undefined && stageOf(override) === "settlement") {
      return overrideSettlement(this.#ledger, override);
    }
    const settlement = settleAs(this.#world.fault, input);
    return settlement.ok ? applySettlement(this.#ledger, settlement.value) : settlement;
  }

  #transactionsOf({ blocks }: CommittedSubDag, committee: readonly CommitteeMember[]): CommitTransaction[] {
    const { checked, deviation } = this.#world;
    return blocks.flatMap(({ body }) =>
      body.transactions.map((bytes) => {
        const { digest, signed, signatureValid } = checked.check(bytes);
        const author = committee[body.author]!.validator;
        return {
          bytes,
          signed,
          digest,
          author,
          signatureValid: signatureValid || deviation.signaturesUnchecked === true,
        };
      }),
    );
  }

  #write(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.#written.delete(key);
      else this.#written.set(key, value);
    }
  }
}
