import { encode } from "@soma/codec";
import { BlsKey, Ed25519Key, nativeVerifier, SignaturePool } from "@soma/crypto/native";
import {
  type AccountPolicy,
  addressOf,
  MAX_MULTISIG_KEYS,
  openSignedTransaction,
  requiredSignatures,
  SignedTransactionCodec,
  transactionSigningBytes,
  verifyAuthenticator,
} from "@soma/protocol";

const TRANSACTIONS = 256;
const ROUNDS = 5;
const CHAIN_ID = "bench";

export interface SignaturesResult {
  /** Longest time that the main thread is blocked by a commit's signatures, ms, when it checks them itself. */
  readonly onMainThreadMs: number;
  /** The same when a thread checks them, as state and mempool have it done. */
  readonly withThreadMs: number;
  /** Until all are decided, with that one thread. */
  readonly decidedMs: number;
}

/** What a commit of 256 transfers costs the main thread for its signatures, by kind of account. */
export async function benchSignatures(
  say: (text: string) => void,
): Promise<Record<string, SignaturesResult>> {
  const keys = Array.from({ length: MAX_MULTISIG_KEYS }, (_, i) =>
    Ed25519Key.fromSeed(new Uint8Array(32).fill(i + 1)),
  );
  const [first] = keys as [Ed25519Key];
  const bls = BlsKey.fromSeed(new Uint8Array(32).fill(1));
  const publicKeys = keys.map(({ publicKey }) => publicKey);
  const many = { MultiSig: { threshold: MAX_MULTISIG_KEYS, publicKeys } };
  const pool = await SignaturePool.open({ workers: 1 });
  try {
    const measured = async (name: string, policy: AccountPolicy, by: readonly Signer[]) => {
      say(`${TRANSACTIONS} transactions, ${name}`);
      return await measure(pool, commitOf(policy, by));
    };
    return {
      single: await measured("one Ed25519 key", { Ed25519: { publicKey: first.publicKey } }, [first]),
      multiSig: await measured(`multi-sig of ${MAX_MULTISIG_KEYS} signers`, many, keys),
      bls: await measured("one BLS key", { Bls: { publicKey: bls.publicKey } }, [bls]),
    };
  } finally {
    await pool.close();
  }
}

interface Signer {
  sign(message: Uint8Array): Uint8Array;
}

function commitOf(policy: AccountPolicy, by: readonly Signer[]): Uint8Array[] {
  const signers = by.length === 1 ? 1 : 2 ** by.length - 1;
  return Array.from({ length: TRANSACTIONS }, (_, i) => {
    const kind = { Transfer: { to: "00".repeat(32), amount: BigInt(i) } };
    const sender = addressOf(policy);
    const transaction = { chainId: CHAIN_ID, sender, sequence: BigInt(i), expiryEpoch: 1n, tip: 0n, kind };
    const message = transactionSigningBytes(CHAIN_ID, transaction);
    const signatures = by.map((key) => key.sign(message));
    return encode(SignedTransactionCodec, { transaction, authenticator: { policy, signers, signatures } });
  });
}

/** Medians of some rounds, of which the first warms code and thread. */
async function measure(pool: SignaturePool, commit: readonly Uint8Array[]): Promise<SignaturesResult> {
  const alone: number[] = [];
  const blocked: number[] = [];
  const decided: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const began = performance.now();
    for (const bytes of commit) assertValid(verifyAuthenticator(opened(bytes).signed, nativeVerifier).ok);
    const watch = new BlockWatch();
    const asked = performance.now();
    const items = commit.map((bytes) => {
      const { signed, signingBytes } = opened(bytes);
      const required = requiredSignatures(signed, signingBytes);
      if (!required.ok) throw new Error(required.message);
      return required.value;
    });
    const decisions = await pool.verifyBatch(items);
    const ended = performance.now();
    assertValid(decisions.every((decision) => decision === 1));
    const longest = await watch.close();
    if (round === 0) continue;
    alone.push(asked - began);
    blocked.push(longest);
    decided.push(ended - asked);
  }
  return { onMainThreadMs: median(alone), withThreadMs: median(blocked), decidedMs: median(decided) };
}

/** The longest time between two turns of the event loop. */
class BlockWatch {
  #last = performance.now();
  #longest = 0;
  #isOpen = true;

  constructor() {
    this.#turn();
  }

  async close(): Promise<number> {
    await new Promise(setImmediate);
    this.#isOpen = false;
    return this.#longest;
  }

  #turn(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
    if (this.#isOpen) setImmediate(() => this.#turn());
  }
}

function opened(bytes: Uint8Array) {
  const found = openSignedTransaction(bytes);
  if (!found.ok) throw new Error(found.message);
  return found.value;
}

function assertValid(valid: boolean): void {
  if (!valid) throw new Error("a valid signature was refused");
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
