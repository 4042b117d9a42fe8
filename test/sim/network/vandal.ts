import type { Rng } from "@soma/base";
import { toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import {
  bitmapOf,
  decodeSignedBlock,
  type EvaluationResult,
  encodeSignedHeader,
  evaluationSigningBytes,
  type TransactionKindInput,
} from "@soma/protocol";
import type { CommitTransaction, Job, Ledger } from "@soma/state/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { DIMENSION } from "../game/vectors.ts";
import type { Actor } from "./actors.ts";
import { aggregate } from "./network-crypto.ts";
import type { NetworkWorld } from "./world.ts";

const KINDS = [
  "replay",
  "expired",
  "forged",
  "garbage",
  "slander",
  "second-proof",
  "hasty-proof",
  "forged-reveal",
] as const;
const REMEMBERED = 64;

/**
 * What a validator may put into its blocks although no mempool would admit it: transactions that were executed, that
 * expired, that somebody else should have signed, and evidence that proves nothing. The ledgers must see to it.
 */
export class Vandal {
  readonly #world: NetworkWorld;
  readonly #actor: Actor;
  readonly #victims: readonly Actor[];
  readonly #rng: Rng;
  #seen: Uint8Array[] = [];
  #proofs: TransactionKindInput[] = [];

  constructor(world: NetworkWorld, actor: Actor, victims: readonly Actor[], rng: Rng) {
    this.#world = world;
    this.#actor = actor;
    this.#victims = victims;
    this.#rng = rng;
  }

  executed(transactions: readonly CommitTransaction[]): void {
    this.#seen.push(...transactions.map(({ bytes }) => bytes));
    this.#seen = this.#seen.slice(-REMEMBERED);
    for (const { bytes } of transactions) {
      const kind = this.#world.checked.check(bytes).signed?.transaction.kind;
      if (kind?.$kind === "FinalProof") this.#proofs = [...this.#proofs, kind].slice(-4);
    }
  }

  /** Bytes for the next own block. */
  junk(ledger: Ledger): Uint8Array[] {
    if (!this.#rng.chance(0.25)) return [];
    const made = this.#make(this.#rng.pick(KINDS), ledger);
    return made === null ? [] : [made];
  }

  #make(kind: (typeof KINDS)[number], ledger: Ledger): Uint8Array | null {
    const { coverage } = this.#world;
    const rng = this.#rng;
    const { epoch } = ledger.head;
    switch (kind) {
      case "replay":
        if (this.#seen.length === 0) return null;
        coverage.replayedTransactions += 1;
        return rng.pick(this.#seen);
      case "expired":
        if (epoch === 0n) return null;
        coverage.expiredTransactions += 1;
        return this.#own(ledger, { Transfer: { to: this.#victims[0]!.address, amount: 1n } }, epoch - 1n);
      case "forged": {
        const victim = rng.pick(this.#victims);
        coverage.forgedTransactions += 1;
        return victim.transaction({
          kind: { Transfer: { to: this.#actor.address, amount: 1_000n } },
          sequence: ledger.account(victim.address)?.sequence ?? 0n,
          expiryEpoch: epoch + 1n,
          forger: this.#actor,
        });
      }
      case "garbage":
        return rng.bytes(60);
      case "slander": {
        const evidence = this.#slander();
        if (evidence === null) return null;
        coverage.slanders += 1;
        return this.#own(ledger, { SubmitEquivocation: evidence });
      }
      case "second-proof": {
        const proof = this.#proofs.at(-1);
        return proof === undefined ? null : this.#own(ledger, proof);
      }
      case "hasty-proof": {
        const job = ledger.jobs().find((one) => one.phase === "bundled");
        if (job === undefined) return null;
        coverage.hastyProofs += 1;
        return this.#own(ledger, this.#hastyProof(job));
      }
      case "forged-reveal": {
        const job = ledger.jobs().find((one) => one.phase === "selected");
        return job === undefined ? null : this.#own(ledger, this.#forgedReveal(job));
      }
    }
  }

  #own(ledger: Ledger, kind: TransactionKindInput, expiryEpoch = ledger.head.epoch + 1n): Uint8Array {
    const sequence = ledger.account(this.#actor.address)?.sequence ?? 0n;
    return this.#actor.transaction({ kind, sequence, expiryEpoch });
  }

  /** CONS-13 with one block twice, or with a second one that its author never signed. */
  #slander(): { first: Uint8Array; second: Uint8Array } | null {
    const block = this.#world.auditor.honestBlock();
    if (block === null) return null;
    const decoded = decodeSignedBlock(block);
    if (!decoded.ok) return null;
    const first = encodeSignedHeader(SIM_CHAIN, decoded.value);
    if (this.#rng.chance(0.5)) return { first, second: first };
    const { body } = decoded.value;
    const other = { ...body, timestampMs: body.timestampMs + 1n };
    return { first, second: encodeSignedHeader(SIM_CHAIN, { body: other, signature: this.#rng.bytes(64) }) };
  }

  /** GAME-8 with the signature of one encoder of the job, who would like to win it, or with none for all of them. */
  #hastyProof(job: Job): TransactionKindInput {
    const set = job.chosen
      .filter(({ evaluated }) => evaluated)
      .map(({ encoder }) => encoder)
      .sort();
    const at = this.#rng.below(job.chosen.length);
    const signer = job.chosen[at]!.encoder;
    const winner = set.includes(signer) ? signer : set[0]!;
    const finals = new Uint8Array(2 * DIMENSION * job.items);
    const leaves = Array.from({ length: job.items }, () => new Uint8Array(2 * DIMENSION));
    const result: EvaluationResult = {
      job: job.id,
      selection: job.selection!,
      bundle: job.evaluatedSet!,
      scores: set.map((encoder) => ({
        encoder,
        lossPpb: 0n,
        lofMicro: 0n,
        composite: 0n,
        disqualified: false,
      })),
      winner,
      finalsRoot: toHex(merkleRoot(leaves)),
      items: job.items,
    };
    if (this.#rng.chance(0.4)) {
      const all = bitmapOf(job.chosen.keys(), job.chosen.length);
      return { FinalProof: { result, finals, signers: all, aggregateSignature: this.#rng.bytes(96) } };
    }
    const signature = this.#world.actorOf(signer).signBls(evaluationSigningBytes(SIM_CHAIN, result));
    const signers = bitmapOf([at], job.chosen.length);
    return { FinalProof: { result, finals, signers, aggregateSignature: aggregate([signature]) } };
  }

  #forgedReveal(job: Job): TransactionKindInput {
    const { encoder } = this.#rng.pick(job.chosen);
    const reveal = { job: job.id, attempt: job.attempt, encoder, embeddingDigest: "cc".repeat(32) };
    return { PostReveal: { reveal: { reveal, signature: this.#rng.bytes(64) } } };
  }
}
