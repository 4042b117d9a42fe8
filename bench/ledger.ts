import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { toHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { ltExpandNative, nativeVerifier } from "@soma/crypto/native";
import {
  decodeSignedTransaction,
  encodeSignedTransaction,
  formatParameters,
  type Genesis,
  initialParameters,
  TOKEN,
  type TransactionKindInput,
  transactionDigest,
} from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import { applySettlement, type CommitTransaction, executeCommit, Ledger } from "@soma/state/core";
import { percentile } from "./support/statistics.ts";

const CHAIN_ID = "bench";
const COMMIT = 256;
const COMMITS = 40;
const VALIDATORS = 100;
const ENCODERS = 10_000;
/** Of one account: below the most that it may have (STAKE_CROWDED). */
const DELEGATIONS_EACH = 50;
const TOKENIZER = "70".repeat(32);

export interface KindResult {
  /** Executed by one thread, signatures and storage apart. */
  readonly perSecond: number;
  /** Longest commit of 256, ms. */
  readonly longestMs: number;
}
export interface AccountsResult {
  readonly accounts: number;
  /** Of the heap, for one account. */
  readonly bytesAnAccount: number;
  readonly kinds: Readonly<Record<string, KindResult>>;
}
export interface SettlementResult {
  readonly delegations: number;
  /** Of the epoch in which all of them were made, and of the next three, in which none changes, the median; ms of one thread. */
  readonly firstMs: number;
  readonly nextMs: number;
}

/** `state`'s core alone: executions a second by kind, memory, and what an epoch's end takes. */
export async function benchLedger(
  say: (text: string) => void,
): Promise<{ accounts: AccountsResult[]; settlement: SettlementResult[] }> {
  const accounts: AccountsResult[] = [];
  for (const count of [100_000, 1_000_000]) {
    say(`${count} accounts`);
    accounts.push(benchAccounts(count));
  }
  const settlement: SettlementResult[] = [];
  for (const count of [1_000, 100_000, 1_000_000]) {
    say(`an epoch's end with ${VALIDATORS} validators, ${ENCODERS} encoders and ${count} delegations`);
    settlement.push(benchSettlement(count));
  }
  return { accounts, settlement };
}

function benchAccounts(count: number): AccountsResult {
  const before = heapUsed();
  const bank = new Bank({ accounts: count, validators: 4, encoders: 8 });
  const bytesAnAccount = Math.round((heapUsed() - before) / count);
  const operator = bank.validators[0]!;
  const role = { Validator: true } as const;
  const kinds: Record<string, (n: number) => TransactionKindInput> = {
    Transfer: (n) => ({ Transfer: { to: bank.people[(n * 7 + 1) % count]!, amount: 1n } }),
    "Transfer, refused": () => ({ Transfer: { to: operator, amount: 1n << 60n } }),
    Delegate: () => ({ Delegate: { role, operator, amount: TOKEN / 10n } }),
    Undelegate: () => ({ Undelegate: { role, operator, amount: TOKEN / 10n } }),
  };
  const measured = Object.entries(kinds).map(([name, kindOf]) => {
    let longestMs = 0;
    let total = 0;
    for (let commit = 0; commit < COMMITS; commit++) {
      // The same senders for each kind, so that what was staked can be asked back.
      const senders = Array.from({ length: COMMIT }, (_, i) => (commit * COMMIT + i) % count);
      const took = bank.commit(senders.map((n) => bank.transaction(n, kindOf(n))));
      total += took;
      longestMs = Math.max(longestMs, took);
    }
    const perSecond = Math.round((COMMIT * COMMITS * 1000) / total);
    return [name, { perSecond, longestMs: Math.round(longestMs * 10) / 10 }] as const;
  });
  return { accounts: count, bytesAnAccount, kinds: Object.fromEntries(measured) };
}

function benchSettlement(delegations: number): SettlementResult {
  const owners = Math.ceil(delegations / DELEGATIONS_EACH);
  const bank = new Bank({ accounts: owners, validators: VALIDATORS, encoders: ENCODERS });
  const role = { Encoder: true } as const;
  for (let made = 0; made < delegations; ) {
    const transactions: CommitTransaction[] = [];
    for (; transactions.length < 1_000 && made < delegations; made++) {
      const owner = made % owners;
      // Another one each time.
      const operator = bank.encoders[(owner * DELEGATIONS_EACH + Math.floor(made / owners)) % ENCODERS]!;
      transactions.push(bank.transaction(owner, { Delegate: { role, operator, amount: TOKEN / 10n } }));
    }
    bank.commit(transactions);
  }
  const firstMs = Math.round(bank.endEpoch());
  const nextMs = Math.round(
    percentile(
      [1, 2, 3].map(() => bank.endEpoch()),
      0.5,
    ),
  );
  return { delegations, firstMs, nextMs };
}

/** A ledger in memory whose accounts' signatures are taken for valid: what checks them is measured elsewhere. */
class Bank {
  readonly people: readonly string[];
  readonly validators: readonly string[];
  readonly encoders: readonly string[];
  readonly #ledger: Ledger;
  readonly #sequences: bigint[];
  #timestampMs = 1_000n;

  constructor(size: { accounts: number; validators: number; encoders: number }) {
    const ids = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => toHex(sha256(utf8(`${name} ${n}`))));
    this.people = ids("account", size.accounts);
    this.validators = ids("validator", size.validators).sort();
    this.encoders = ids("encoder", size.encoders).sort();
    this.#sequences = this.people.map(() => 0n);
    const opened = Ledger.fromGenesis(this.#genesis(), { verifier: nativeVerifier, expand: ltExpandNative });
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.message}`);
    this.#ledger = opened.value.ledger;
  }

  #genesis(): Genesis {
    const parameters = {
      ...initialParameters("production"),
      minEncoderStake: TOKEN,
      minValidatorStake: 10n * TOKEN,
    };
    // Enough for fees and fifty delegations of a tenth, and a million of them within the cap.
    const amount = this.people.length > 100_000 ? TOKEN / 4n : 6n * TOKEN;
    const key = new Uint8Array(32).fill(7);
    return {
      chainId: CHAIN_ID,
      timestampMs: this.#timestampMs,
      protocolVersion: 1,
      parameters: Object.entries(formatParameters(parameters)).sort(([a], [b]) => (a < b ? -1 : 1)),
      accounts: [...this.people].sort().map((address) => ({ address, amount })),
      validators: this.validators.map((validator) => ({
        validator,
        stake: 10n * TOKEN,
        blockKey: key,
        blsKey: new Uint8Array(48).fill(7),
        vrfKey: key,
        edgeAddress: "127.0.0.1:1",
        gatewayAddress: "http://127.0.0.1:1",
      })),
      encoders: this.encoders.map((encoder) => ({
        encoder,
        stake: TOKEN,
        messageKey: key,
        blsKey: new Uint8Array(48).fill(7),
        asks: [{ modality: 0, pricePerByte: 10n, tokenizer: TOKENIZER }],
      })),
      anchors: { texts: "00".repeat(32), vectors: "00".repeat(32), meanNormSquared: 1n },
      textTokenizer: TOKENIZER,
      memo: new Uint8Array(),
    };
  }

  /** The next one of account `n`, as a commit carries it. */
  transaction(n: number, kind: TransactionKindInput): CommitTransaction {
    const sequence = this.#sequences[n]!;
    this.#sequences[n] = sequence + 1n;
    const bytes = encodeSignedTransaction({
      transaction: {
        chainId: CHAIN_ID,
        sender: this.people[n]!,
        sequence,
        expiryEpoch: 1_000n,
        tip: 0n,
        kind,
      },
      authenticator: {
        policy: { Ed25519: { publicKey: new Uint8Array(32).fill(7) } },
        signers: 1,
        signatures: [new Uint8Array(64)],
      },
    });
    const decoded = decodeSignedTransaction(bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    const author = this.validators[0]!;
    return {
      bytes,
      signed: decoded.value,
      digest: transactionDigest(CHAIN_ID, bytes),
      author,
      signatureValid: true,
    };
  }

  /** Milliseconds that it took. */
  commit(transactions: readonly CommitTransaction[], elapsedMs = 1n): number {
    return this.#execute(transactions, elapsedMs).took;
  }

  /** Milliseconds from the closing commit to the next epoch's first. */
  endEpoch(): number {
    const { took, settlement } = this.#execute([], this.#ledger.parameters.epochLength);
    if (settlement === null) throw new Error("the epoch does not close");
    const began = performance.now();
    const settled = settleEpoch(CHAIN_ID, settlement);
    if (!settled.ok) throw new Error(settled.code);
    const turned = applySettlement(this.#ledger, settled.value);
    if (!turned.ok) throw new Error(`${turned.code}: ${turned.message}`);
    return took + performance.now() - began;
  }

  #execute(transactions: readonly CommitTransaction[], elapsedMs: bigint) {
    const { head } = this.#ledger;
    const index = head.commit + 1n;
    this.#timestampMs += elapsedMs;
    const digest = toHex(sha256(utf8(`block ${index}`)));
    const commit = {
      epoch: head.epoch,
      index,
      previous: head.commitDigest,
      timestampMs: this.#timestampMs,
      leader: { round: Number(index), author: 0, digest },
      blocks: [],
    };
    const began = performance.now();
    const executed = executeCommit(this.#ledger, { commit, beacon: digest, transactions });
    const took = performance.now() - began;
    if (!executed.ok) throw new Error(`${executed.code}: ${executed.message}`);
    const { dropped, settlement } = executed.value;
    if (dropped.length > 0) throw new Error(`${dropped.length} dropped: ${dropped[0]!.code}`);
    return { took, settlement };
  }
}

/** After a collection. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
