import { toHex, utf8 } from "@soma/base";
import { type SignatureVerifier, sha256 } from "@soma/crypto";
import { BlsKey, Ed25519Key, nativeVerifier } from "@soma/crypto/native";
import {
  type AccountPolicy,
  addressOfEd25519,
  decodeSignedTransaction,
  encodeSignedTransaction,
  formatParameters,
  type Genesis,
  initialParameters,
  NO_COMMIT,
  type Parameters,
  TOKEN,
  type TransactionKindInput,
  transactionDigest,
  transactionSigningBytes,
  verifyAuthenticator,
} from "@soma/protocol";
import { settleEpoch } from "@soma/rewards/core";
import {
  applySettlement,
  type BuiltCheckpoint,
  buildCheckpoint,
  type Change,
  type CommitTransaction,
  checkpointDue,
  type ExecutedCommit,
  executeCommit,
  Ledger,
  settlementInput,
} from "@soma/state/core";

export const CHAIN_ID = "test";
export const TOKENIZER = "ab".repeat(32);
const START_MS = 1_000_000n;

/** The beacon that the test network gives a commit. */
export function beaconOf(commit: bigint): string {
  return toHex(sha256(utf8(`beacon ${commit}`)));
}

/** A person or operator of the test network, with real keys. */
export class Actor {
  readonly label: string;
  readonly key: Ed25519Key;
  readonly bls: BlsKey;
  readonly address: string;
  readonly policy: AccountPolicy;

  constructor(label: string) {
    this.label = label;
    this.key = Ed25519Key.fromSeed(sha256(utf8(`key ${label}`)));
    this.bls = BlsKey.fromSeed(sha256(utf8(`bls ${label}`)));
    this.address = addressOfEd25519(this.key.publicKey);
    this.policy = { Ed25519: { publicKey: this.key.publicKey } };
  }
}

export interface Sent {
  readonly actor: Actor;
  readonly kind: TransactionKindInput;
  readonly sequence: bigint;
  readonly tip?: bigint;
  readonly expiryEpoch?: bigint;
  readonly chainId?: string;
}

/** A network of one ledger: makes commits, settles epochs, builds checkpoints, and keeps what a shell would. */
export class TestChain {
  readonly validators = [0, 1, 2, 3].map((i) => new Actor(`validator ${i}`));
  readonly encoders = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => new Actor(`encoder ${i}`));
  readonly people = [0, 1, 2, 3, 4].map((i) => new Actor(`person ${i}`));
  readonly genesis: Genesis;
  /** What a shell has written behind. */
  readonly written = new Map<string, Uint8Array>();
  readonly digests: string[] = [];
  readonly checkpoints: BuiltCheckpoint[] = [];
  readonly verifier: SignatureVerifier;
  ledger: Ledger;
  #previous = NO_COMMIT;
  #timestampMs = START_MS;

  constructor(change: Partial<Parameters> = {}, verifier: SignatureVerifier = nativeVerifier) {
    this.verifier = verifier;
    const parameters = {
      ...initialParameters("devnet"),
      epochLength: 10_000n,
      embeddingDimension: 16,
      ...change,
    };
    this.genesis = this.#makeGenesis(parameters);
    const made = Ledger.fromGenesis(this.genesis, { verifier });
    if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
    this.ledger = made.value.ledger;
    this.#write(made.value.changes);
  }

  #makeGenesis(parameters: Parameters): Genesis {
    const byAddress = (a: { address: string }, b: { address: string }) => (a.address < b.address ? -1 : 1);
    const accounts = [...this.people, ...this.validators, ...this.encoders]
      .map((actor) => ({ address: actor.address, amount: 1_000n * TOKEN }))
      .sort(byAddress);
    return {
      chainId: CHAIN_ID,
      timestampMs: START_MS,
      protocolVersion: 1,
      parameters: Object.entries(formatParameters(parameters)),
      accounts,
      validators: [...this.validators].sort(byAddress).map((actor) => ({
        validator: actor.address,
        stake: 1_000n * TOKEN,
        blockKey: actor.key.publicKey,
        blsKey: actor.bls.publicKey,
        vrfKey: actor.key.publicKey,
        edgeAddress: "127.0.0.1:1",
        gatewayAddress: "http://127.0.0.1:1",
      })),
      encoders: [...this.encoders].sort(byAddress).map((actor) => ({
        encoder: actor.address,
        stake: 100n * TOKEN,
        messageKey: actor.key.publicKey,
        blsKey: actor.bls.publicKey,
        asks: [{ modality: 0, pricePerByte: 10n, tokenizer: TOKENIZER }],
      })),
      anchors: { texts: "00".repeat(32), vectors: "00".repeat(32), meanNormSquared: 1n },
      textTokenizer: TOKENIZER,
      memo: new Uint8Array(),
    };
  }

  sequenceOf(actor: Actor): bigint {
    return this.ledger.account(actor.address)?.sequence ?? 0n;
  }

  transaction({
    actor,
    kind,
    sequence,
    tip = 0n,
    expiryEpoch = 1_000n,
    chainId = CHAIN_ID,
  }: Sent): CommitTransaction {
    const transaction = { chainId, sender: actor.address, sequence, expiryEpoch, tip, kind };
    const signature = actor.key.sign(transactionSigningBytes(chainId, transaction));
    const authenticator = { policy: actor.policy, signers: 1, signatures: [signature] };
    return this.carried(encodeSignedTransaction({ transaction, authenticator }));
  }

  /** Any bytes as a commit would carry them, with the signature check that a shell does. */
  carried(bytes: Uint8Array, author = this.validators[0]!.address): CommitTransaction {
    const decoded = decodeSignedTransaction(bytes);
    const signatureValid = decoded.ok && verifyAuthenticator(decoded.value, this.verifier).ok;
    const signed = decoded.ok ? decoded.value : null;
    return { bytes, signed, digest: transactionDigest(CHAIN_ID, bytes), author, signatureValid };
  }

  /** Executes one commit, and what follows from it. */
  commit(transactions: readonly CommitTransaction[] = [], elapsedMs = 50n): ExecutedCommit {
    const { head } = this.ledger;
    const index = head.commit + 1n;
    this.#timestampMs += elapsedMs;
    const commit = {
      epoch: head.epoch,
      index,
      previous: head.commit === 0n ? this.#previous : head.commitDigest,
      timestampMs: this.#timestampMs,
      leader: { round: Number(index), author: 0, digest: toHex(sha256(utf8(`block ${index}`))) },
      blocks: [],
    };
    const beacon = beaconOf(index);
    const executed = executeCommit(this.ledger, { commit, beacon, transactions });
    if (!executed.ok) throw new Error(`${executed.code}: ${executed.message}`);
    this.#write(executed.value.changes);
    if (executed.value.settlement !== null) this.settle();
    if (checkpointDue(this.ledger)) {
      const built = buildCheckpoint(this.ledger);
      if (!built.ok) throw new Error(built.code);
      this.#write(built.value.changes);
      this.checkpoints.push(built.value);
    }
    this.digests.push(this.ledger.stateDigest());
    return executed.value;
  }

  settle(): void {
    const input = settlementInput(this.ledger);
    if (input === null) throw new Error("no epoch is closing");
    const settlement = settleEpoch(CHAIN_ID, input);
    if (!settlement.ok) throw new Error(settlement.code);
    const settled = applySettlement(this.ledger, settlement.value);
    if (!settled.ok) throw new Error(`${settled.code}: ${settled.message}`);
    this.#write(settled.value.changes);
  }

  /** Sends one transaction in a commit of its own; the refusal's code, empty if it was executed. */
  send(actor: Actor, kind: TransactionKindInput): string {
    const executed = this.commit([this.transaction({ actor, kind, sequence: this.sequenceOf(actor) })]);
    const done = executed.transactions[0];
    return done === undefined ? executed.dropped[0]!.code : done.refusal;
  }

  /** Lets the rest of the epoch pass in one commit. */
  endEpoch(): void {
    const rest = this.ledger.currentEpoch.startTimestampMs + this.ledger.parameters.epochLength;
    this.commit([], rest - this.#timestampMs);
  }

  /** What a restart does: everything from what was written behind. */
  reload(): void {
    const entries = [...this.written].reverse();
    const loaded = Ledger.load(entries, { verifier: this.verifier });
    if (!loaded.ok) throw new Error(`${loaded.code}: ${loaded.message}`);
    this.ledger = loaded.value;
  }

  #write(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.written.delete(key);
      else this.written.set(key, value);
    }
  }
}
