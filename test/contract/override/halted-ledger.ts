import { nativeVerifier } from "@soma/crypto/native";
import {
  type Override,
  overrideSigningBytes,
  type Resolution,
  ResolutionCodec,
  type ResolutionInput,
  type SignedOverride,
  SignedTransactionCodec,
} from "@soma/protocol";
import {
  executeCommit,
  type HaltPoint,
  LEDGER_RULES,
  Ledger,
  type LedgerRules,
  settlementPoint,
} from "@soma/state/core";
import {
  CHAIN_ID,
  CommitChain,
  genesisOf,
  people,
  seedOf,
  signed,
  transfer,
  validatorKeys,
} from "../../integration/state/chain.ts";

export const keys = validatorKeys(4).sort((a, b) => (a.account.address < b.account.address ? -1 : 1));
const genesis = genesisOf(keys, { epochLength: 5_000n });

/** The transaction over which a faulty release stumbles. */
export const poison = signed(people[0]!, 0n, transfer(people[1]!.address, 13n));
export const harmless = signed(people[2]!, 0n, transfer(people[1]!.address, 7n));

/** A release with a fault: what it does when it meets the poison. */
export function faulty(
  stumble: (ledgerRules: LedgerRules) => LedgerRules["authorise"],
): Partial<LedgerRules> {
  return { authorise: stumble(LEDGER_RULES) };
}

export function newLedger(rules: Partial<LedgerRules> = {}): Ledger {
  const made = Ledger.fromGenesis(genesis, {
    verifier: nativeVerifier,
    rules: { ...LEDGER_RULES, ...rules },
  });
  if (!made.ok) throw new Error(made.code);
  return made.value.ledger;
}

export function inputOf(chain: CommitChain, index: bigint) {
  const { commit, transactions } = chain.commits[Number(index) - 1]!;
  const byBytes = new Map([poison, harmless].map((known) => [known.bytes, known.digest]));
  return {
    commit,
    beacon: seedOf(`beacon ${index}`),
    transactions: transactions.map((bytes) => ({
      bytes,
      signed: SignedTransactionCodec.parse(bytes),
      digest: byBytes.get(bytes)!,
      author: keys[0]!.account.address,
      signatureValid: true,
    })),
  };
}

/** Commit 1 is quiet, commit 2 holds poison and harmless, commit 3 the poison again, commit 4 closes the epoch. */
export function poisonedChain(): CommitChain {
  const chain = new CommitChain();
  chain.next();
  chain.next([poison.bytes, harmless.bytes]);
  chain.next([poison.bytes]);
  chain.next([], 6_000n);
  return chain;
}

/** Executes commits up to this one, which must all succeed. */
export function executeUpTo(ledger: Ledger, chain: CommitChain, last: bigint): void {
  for (let index = ledger.head.commit + 1n; index <= last; index++) {
    const done = executeCommit(ledger, inputOf(chain, index));
    if (!done.ok) throw new Error(`${done.code}: ${done.message}`);
  }
}

/** Where this ledger halts at its next commit. */
export function executionPoint(ledger: Ledger, chain: CommitChain): HaltPoint {
  const { epoch, commit } = ledger.head;
  const { digest } = chain.commits[Number(commit)]!;
  return {
    epoch,
    commit: commit + 1n,
    commitDigest: digest,
    stateDigest: ledger.stateDigest(),
    stage: "execution",
  };
}

export { settlementPoint };

export function overrideAt(point: HaltPoint, resolution: ResolutionInput): Override {
  const { stage: _, ...at } = point;
  const parsed: Resolution = ResolutionCodec.parse(ResolutionCodec.serialize(resolution).toBytes());
  return { ...at, resolution: parsed };
}

/** Signed by these of `keys`. */
export function signedBy(override: Override, signers: readonly number[]): SignedOverride {
  const message = overrideSigningBytes(CHAIN_ID, override);
  return {
    override,
    signatures: signers.map((i) => ({
      validator: keys[i]!.account.address,
      signature: keys[i]!.bls.sign(message),
    })),
  };
}
