import type { CommittedSubDag } from "@soma/consensus/core";
import { ltExpandNative } from "@soma/crypto/native";
import type { Checkpoint, CommitteeMember, Digest, EpochInfo } from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import {
  applySettlement,
  buildCheckpoint,
  type Change,
  type CommitTransaction,
  checkpointDue,
  type ExecutedCommit,
  executeCommit,
  LEDGER_RULES,
  Ledger,
  type LedgerTools,
} from "@soma/state/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { networkVerifier } from "./network-crypto.ts";
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
      rules: { ...LEDGER_RULES, ...world.deviation.ledgerRules },
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
    if (stored < this.head) {
      // The database is an older one, so the ledger in it is too: it is what its commits make of genesis.
      this.#ledger = this.#fromGenesis();
      return;
    }
    const loaded = Ledger.load(this.#written, this.#tools);
    if (!loaded.ok) throw new Error(`${loaded.code}: ${loaded.message}`);
    if (loaded.value.stateDigest() !== this.#ledger.stateDigest()) throw new Error("LOADED_LEDGER_DIFFERS");
    this.#ledger = loaded.value;
  }

  /** Executes the next commit. The code if the ledger refuses: then this validator must stop. */
  execute(
    committed: CommittedSubDag,
    committee: readonly CommitteeMember[],
    beforeSettlement: (executed: ExecutedCommit, transactions: readonly CommitTransaction[]) => void,
  ): Execution | string {
    const transactions = this.#transactionsOf(committed, committee);
    const { commit, beacon } = committed;
    const executed = executeCommit(this.#ledger, { commit, beacon, transactions });
    if (!executed.ok) return executed.code;
    this.#write(executed.value.changes);
    for (const { digest, bytes } of transactions) this.bytesOf.set(digest, bytes);
    beforeSettlement(executed.value, transactions);
    let opened: EpochInfo | null = null;
    if (executed.value.settlement !== null) {
      const settlement = settleEpoch(SIM_CHAIN, executed.value.settlement);
      if (!settlement.ok) return settlement.code;
      const settled = applySettlement(this.#ledger, settlement.value);
      if (!settled.ok) return settled.code;
      this.#write(settled.value.changes);
      opened = settled.value.next;
      this.epochs.set(opened.epoch, opened);
    }
    let checkpoint: OwnCheckpoint | null = null;
    if (checkpointDue(this.#ledger)) {
      const built = buildCheckpoint(this.#ledger);
      if (!built.ok) return built.code;
      this.#write(built.value.changes);
      const next = built.value.checkpoint.nextEpoch === null ? null : this.#ledger.currentEpoch;
      checkpoint = {
        checkpoint: built.value.checkpoint,
        digest: built.value.digest,
        leaves: built.value.leaves,
        next,
      };
      this.checkpoints.push(checkpoint);
    }
    return { executed: executed.value, transactions, opened, checkpoint };
  }

  #transactionsOf({ blocks }: CommittedSubDag, committee: readonly CommitteeMember[]): CommitTransaction[] {
    const { checked, deviation } = this.#world;
    return blocks.flatMap(({ body }) =>
      body.transactions.map((bytes) => {
        const { digest, signatureValid } = checked.check(bytes);
        const author = committee[body.author]!.validator;
        return {
          bytes,
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
