import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compareHex } from "@soma/base";
import { COMMIT_PART_BYTES, type CommitPart } from "@soma/contracts";
import { AccountKey, createKeyFile, ValidatorKeys } from "@soma/identity";
import {
  type Commit,
  commitDigest,
  encodeGenesis,
  formatParameters,
  type Genesis,
  initialParameters,
  NO_COMMIT,
  type Parameters,
  TOKEN,
  type TransactionKindInput,
} from "@soma/protocol";

export const CHAIN_ID = "state-test";
export const START_MS = 1_700_000_000_000n;

export const seedOf = (name: string) => createHash("sha256").update(name).digest("hex");

/** People of the test network, each with 1 000 tokens at genesis. */
export const people = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => AccountKey.fromSeed(seedOf(`person ${i}`)));

/** Validators with equal stake. */
export function validatorKeys(count: number): ValidatorKeys[] {
  return Array.from({ length: count }, (_, i) => new ValidatorKeys(seedOf(`validator ${i}`)));
}

export function genesisOf(
  validators: readonly ValidatorKeys[],
  change: Partial<Parameters> = {},
  accounts: readonly AccountKey[] = people,
): Genesis {
  const parameters = { ...initialParameters("devnet"), ...change };
  return {
    chainId: CHAIN_ID,
    timestampMs: START_MS,
    protocolVersion: 1,
    parameters: Object.entries(formatParameters(parameters)).sort(([a], [b]) => compareHex(a, b)),
    accounts: accounts
      .map(({ address }) => ({ address, amount: 10n * TOKEN }))
      .sort((a, b) => compareHex(a.address, b.address)),
    validators: validators
      .map((keys) => ({
        validator: keys.account.address,
        stake: 1_000n * TOKEN,
        blockKey: keys.block.publicKey,
        blsKey: keys.bls.publicKey,
        vrfKey: keys.vrf.publicKey,
        edgeAddress: "127.0.0.1:1",
        gatewayAddress: "http://127.0.0.1:1",
      }))
      .sort((a, b) => compareHex(a.validator, b.validator)),
    encoders: [],
    anchors: { texts: "00".repeat(32), vectors: "00".repeat(32), meanNormSquared: 1n },
    textTokenizer: "00".repeat(32),
    memo: new Uint8Array(),
  };
}

/** Writes what an operator's services read at their start. */
export async function operatorFiles(
  folder: string,
  genesis: Genesis,
  validator: number,
): Promise<Record<string, string>> {
  const name = `validator-${validator}`;
  const files = {
    SOMA_KEY_FILE: join(folder, `${name}.json`),
    SOMA_GENESIS: join(folder, `${name}.genesis`),
    SOMA_DATA: join(folder, name),
  };
  createKeyFile(files.SOMA_KEY_FILE, "validator", seedOf(`validator ${validator}`));
  await writeFile(files.SOMA_GENESIS, encodeGenesis(genesis));
  return files;
}

/** A transaction as a client signs it. */
export function signed(key: AccountKey, sequence: bigint, kind: TransactionKindInput, tip = 0n) {
  return key.sign({ chainId: CHAIN_ID, sequence, expiryEpoch: 1_000n, tip, kind });
}

export const transfer = (to: string, amount: bigint): TransactionKindInput => ({ Transfer: { to, amount } });

/** Commits as a consensus would decide them, kept for whoever asks again. */
export class CommitChain {
  readonly commits: { commit: Commit; digest: string; transactions: Uint8Array[] }[] = [];
  #timestampMs = START_MS;
  epoch = 0n;

  get last() {
    return this.commits.at(-1);
  }

  /** Decides the next commit. */
  next(transactions: Uint8Array[] = [], elapsedMs = 60n): bigint {
    this.#timestampMs += elapsedMs;
    const index = BigInt(this.commits.length + 1);
    const commit: Commit = {
      epoch: this.epoch,
      index,
      previous: this.last?.digest ?? NO_COMMIT,
      timestampMs: this.#timestampMs,
      leader: { round: Number(index), author: 0, digest: seedOf(`block ${index}`) },
      blocks: [],
    };
    this.commits.push({ commit, digest: commitDigest(CHAIN_ID, commit), transactions });
    return index;
  }

  /** The messages of one commit. */
  parts(index: bigint): CommitPart[] {
    const { commit, digest, transactions } = this.commits[Number(index) - 1]!;
    const cut: CommitPart["transactions"][] = [[]];
    let size = 0;
    for (const bytes of transactions) {
      if (size + bytes.length > COMMIT_PART_BYTES) {
        cut.push([]);
        size = 0;
      }
      cut.at(-1)!.push({ author: 0, bytes });
      size += bytes.length + 8;
    }
    return cut.map((some, part) => ({
      commit,
      digest,
      beacon: seedOf(`beacon ${index}`),
      part,
      parts: cut.length,
      transactions: some,
    }));
  }
}
