import { atOnce, err, ok, type Result, type Sliced, toHex } from "@soma/base";
import { type LtExpand, LtHash, type SignatureVerifier } from "@soma/crypto";
import {
  type Address,
  type Amount,
  type Digest,
  type EpochInfo,
  formatParameters,
  type Genesis,
  genesisDigest,
  genesisEpoch,
  genesisParameters,
  NO_COMMIT,
  type Parameters,
  parseParameters,
} from "@soma/protocol";
import { hold } from "./holdings.ts";
import { LedgerReading } from "./ledger-reading.ts";
import {
  accounts,
  checkpointHeads,
  constants,
  delegations,
  encoders,
  epochs,
  type Head,
  heads,
  parameterRows,
  pools,
  type Role,
  validators,
} from "./records.ts";
import type { LedgerRules } from "./rules.ts";
import { type Change, digestChanges, KeyedStore } from "./store.ts";
import { NO_SUPPLY, type Supply, supplyAfter, supplyTotal } from "./supply.ts";
import { numberKey } from "./table.ts";

/** What a ledger needs beside its state. */
export interface LedgerTools {
  readonly verifier: SignatureVerifier;
  /** A faster SHAKE128 for the state digest. */
  readonly expand?: LtExpand;
  /** Other rules than `LEDGER_RULES`; for tests alone. */
  readonly rules?: LedgerRules;
}

/**
 * The ledger's working set with its digest and supply. It changes by `executeCommit`, `applySettlement` and
 * `buildCheckpoint` alone.
 */
export class Ledger extends LedgerReading {
  readonly tools: LedgerTools;
  readonly chainId: string;
  readonly parameters: Parameters;
  #digest: LtHash;
  #supply: Supply;
  #settledHead: Head;

  private constructor(store: KeyedStore, tools: LedgerTools, chainId: string, parameters: Parameters) {
    super(store);
    this.tools = tools;
    this.chainId = chainId;
    this.parameters = parameters;
    this.#digest = LtHash.empty(chainId, tools.expand);
    this.#supply = NO_SUPPLY;
    this.#settledHead = this.head;
  }

  /**
   * The ledger before commit 1. `seal` has been called: `changes` are all entries. Refusals: those of the genesis
   * file, and GENESIS_SUPPLY when it holds more than the cap.
   */
  static fromGenesis(
    genesis: Genesis,
    tools: LedgerTools,
  ): Result<{ ledger: Ledger; changes: readonly Change[] }> {
    const parameters = genesisParameters(genesis);
    if (!parameters.ok) return parameters;
    const epoch = genesisEpoch(genesis);
    if (!epoch.ok) return epoch;
    const store = new KeyedStore();
    const allocated = writeGenesis(store, genesis, parameters.value, epoch.value);
    const unminted = parameters.value.supplyCap - allocated;
    if (unminted < 0n) return err("GENESIS_SUPPLY", "the allocation is above the cap");
    const head: Head = {
      epoch: 0n,
      commit: 0n,
      commitDigest: NO_COMMIT,
      timestampMs: genesis.timestampMs,
      beacon: epoch.value.seed,
      leaderBlock: epoch.value.lastBlock,
      recyclable: 0n,
      unminted,
      burned: 0n,
      feesBurned: 0n,
      provenJobs: 0n,
      closing: false,
    };
    heads.put(store, head, "now");
    const ledger = new Ledger(store, tools, genesis.chainId, parameters.value);
    const sealed = atOnce(ledger.seal());
    return sealed.ok ? ok({ ledger, changes: sealed.value }) : sealed;
  }

  /**
   * From all entries, as a shell or a snapshot kept them, in any order. Refusals: LEDGER_INCOMPLETE,
   * LEDGER_MALFORMED, SUPPLY_BREACH.
   */
  static load(
    entries: Iterable<readonly [key: string, value: Uint8Array]>,
    tools: LedgerTools,
  ): Result<Ledger> {
    const store = new KeyedStore();
    for (const [key, value] of entries) store.set(key, value);
    try {
      const fixed = constants.get(store, "all");
      const rows = parameterRows.get(store, "all");
      if (fixed === undefined || rows === undefined || heads.get(store, "now") === undefined) {
        return err("LEDGER_INCOMPLETE", "constants, parameters or head are missing");
      }
      const parameters = parseParameters(Object.fromEntries(rows));
      if (!parameters.ok) return parameters;
      const ledger = new Ledger(store, tools, fixed.chainId, parameters.value);
      const sealed = atOnce(ledger.seal());
      return sealed.ok ? ok(ledger) : sealed;
    } catch (error) {
      return err("LEDGER_MALFORMED", error instanceof Error ? error.message : "an entry does not decode");
    }
  }

  /**
   * Takes what changed into digest and supply, and hands it out to be written behind. SUPPLY_BREACH means that money
   * was made or lost (LEDGER-4): the changes stay open, to be undone, and nothing of them may be signed.
   */
  *seal(): Sliced<Result<readonly Change[]>> {
    const changes = yield* this.store.changes();
    const supply = yield* supplyAfter(this.#supply, changes);
    const negative = Object.values(supply).some((amount) => amount < 0n);
    if (negative || supplyTotal(supply) !== this.parameters.supplyCap) {
      return err("SUPPLY_BREACH", `the supply is ${supplyTotal(supply)}, not ${this.parameters.supplyCap}`);
    }
    this.store.keep();
    yield* digestChanges(this.#digest, changes);
    this.#supply = supply;
    this.#settledHead = this.head;
    return ok(changes.map(({ key, value }) => ({ key, value })));
  }

  /**
   * Where the ledger stands for whoever asks while it is changed in slices: after the last step that was done whole, while
   * `head` is already that of a step which may be undone.
   */
  get settledHead(): Head {
    return this.#settledHead;
  }

  get supply(): Supply {
    return this.#supply;
  }

  /** LEDGER-5: LtHash over every entry but the local ones. */
  stateDigest(): Digest {
    return toHex(this.#digest.digest());
  }

  /** Every entry in the order of keys, local ones included: what `load` takes. */
  *entries(): Generator<readonly [key: string, value: Uint8Array]> {
    for (const key of this.store.allKeys()) yield [key, this.store.get(key)!];
  }
}

/** Writes everything but the head; returns what is allocated. */
function writeGenesis(store: KeyedStore, genesis: Genesis, parameters: Parameters, epoch: EpochInfo): Amount {
  let allocated = 0n;
  for (const { address, amount } of genesis.accounts) {
    accounts.put(store, { balance: amount, sequence: 0n }, address);
    allocated += amount;
  }
  const stake = (role: Role, operator: Address, amount: Amount) => {
    pools.put(store, { stake: amount, shares: amount, incoming: 0n }, role, operator);
    delegations.put(store, { shares: amount, incoming: 0n, outgoingShares: 0n }, role, operator, operator);
    hold(store, role, operator, operator);
    allocated += amount;
  };
  for (const { validator, stake: amount, ...keys } of genesis.validators) {
    const commission = { commissionBps: 0, nextCommissionBps: 0 };
    const standing = { leaving: false, banned: false, equivocated: null };
    validators.put(store, { ...keys, ...commission, ...standing }, validator);
    stake("validator", validator, amount);
  }
  for (const { encoder, stake: amount, ...keys } of genesis.encoders) {
    encoders.put(store, { ...keys, commissionBps: 0, nextCommissionBps: 0, leaving: false }, encoder);
    stake("encoder", encoder, amount);
  }
  epochs.put(store, epoch, numberKey(0n));
  parameterRows.put(store, Object.entries(formatParameters(parameters)), "all");
  const { chainId, textTokenizer } = genesis;
  constants.put(store, { chainId, genesis: genesisDigest(genesis), textTokenizer }, "all");
  checkpointHeads.put(
    store,
    {
      sequence: 0n,
      digest: "00".repeat(32),
      commit: 0n,
      timestampMs: genesis.timestampMs,
      leaves: 0,
      epochEnds: false,
    },
    "now",
  );
  return allocated;
}
