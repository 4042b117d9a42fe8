import { concatBytes, toHex, utf8 } from "@soma/base";
import { merkleRoot, sha256 } from "@soma/crypto";
import { aggregateBls } from "@soma/crypto/native";
import {
  bitmapOf,
  commitHash,
  dataCommitment,
  type EvaluationResult,
  embeddingDigest,
  evaluationDigest,
  evaluationSigningBytes,
  jobSigningBytes,
  type SignedCommit,
  type SignedReveal,
  type TransactionKindInput,
} from "@soma/protocol";
import type { Job } from "@soma/state/core";
import { Actor, CHAIN_ID, type TestChain } from "./test-chain.ts";

const DIMENSION = 16;
const ITEMS = 2;

/** Everything that the parties of one job would send, with real signatures, for a job on a real ledger. */
export class JobDriver {
  readonly chain: TestChain;
  readonly payer: Actor;
  readonly session = new Actor("session");
  readonly dataHash = toHex(sha256(utf8("data")));
  readonly finals = concatBytes(new Uint8Array(DIMENSION * 2).fill(1), new Uint8Array(DIMENSION * 2).fill(2));
  id = "";

  constructor(chain: TestChain, payer: Actor) {
    this.chain = chain;
    this.payer = payer;
  }

  get job(): Job {
    const job = this.chain.ledger.job(this.id);
    if (job === undefined) throw new Error("the job is gone");
    return job;
  }

  payment(
    change: { modality?: number; items?: number; sizeBytes?: bigint; maxPricePerByte?: bigint } = {},
  ): TransactionKindInput {
    return {
      GenerateEmbeddings: {
        modality: 0,
        dataCommitment: dataCommitment(CHAIN_ID, this.dataHash, this.payer.address),
        sizeBytes: 100_000_000n,
        items: ITEMS,
        sessionKey: this.session.key.publicKey,
        maxPricePerByte: 10n,
        jobTip: 500n,
        ...change,
      },
    };
  }

  /** Pays, and lets the commits pass until the shard is drawn. */
  pay(change: Parameters<JobDriver["payment"]>[0] = {}): void {
    const sequence = this.chain.sequenceOf(this.payer);
    const carried = this.chain.transaction({ actor: this.payer, kind: this.payment(change), sequence });
    const executed = this.chain.commit([carried]);
    if (executed.transactions[0]?.refusal !== "") throw new Error(executed.transactions[0]?.refusal);
    this.id = carried.digest;
    while (this.job.phase === "paid") this.chain.commit();
  }

  holders(): Actor[] {
    return this.job.shard.map(({ encoder }) => this.actorOf(encoder));
  }

  actorOf(encoder: string): Actor {
    return this.chain.encoders.find((actor) => actor.address === encoder)!;
  }

  digestOf(encoder: Actor): string {
    return embeddingDigest(CHAIN_ID, utf8(encoder.label));
  }

  commitOf(encoder: Actor, signer = encoder): SignedCommit {
    const commit = {
      job: this.id,
      attempt: this.job.attempt,
      encoder: encoder.address,
      commitHash: commitHash(CHAIN_ID, encoder.address, this.id, this.digestOf(encoder)),
      elapsedMs: 5,
    };
    return { commit, signature: signer.key.sign(jobSigningBytes(CHAIN_ID, "commit", commit)) };
  }

  selection(commits: SignedCommit[], signer = this.session, dataHash = this.dataHash): TransactionKindInput {
    const selection = { job: this.id, attempt: this.job.attempt, dataHash, commits };
    const sessionSignature = signer.key.sign(jobSigningBytes(CHAIN_ID, "selection", selection));
    return { SelectCommits: { ...selection, sessionSignature } };
  }

  postedCommit(encoder: Actor, signer = this.session): TransactionKindInput {
    const offer = { job: this.id, attempt: this.job.attempt, dataHash: this.dataHash };
    const offerSignature = signer.key.sign(jobSigningBytes(CHAIN_ID, "offer", offer));
    return { PostCommit: { commit: this.commitOf(encoder), dataHash: this.dataHash, offerSignature } };
  }

  receipt(encoder: Actor): TransactionKindInput {
    const { attempt } = this.job;
    const receipt = { job: this.id, attempt, encoder: encoder.address, dataHash: this.dataHash };
    const signature = encoder.key.sign(jobSigningBytes(CHAIN_ID, "receipt", receipt));
    return { PostReceipt: { receipt: { receipt, signature } } };
  }

  optOut(encoder: Actor, reason: "HashMismatch" | "Unavailable"): TransactionKindInput {
    const reasons = { HashMismatch: { HashMismatch: true }, Unavailable: { Unavailable: true } } as const;
    const { attempt } = this.job;
    const optOut = { job: this.id, attempt, encoder: encoder.address, reason: reasons[reason] };
    const signature = encoder.key.sign(jobSigningBytes(CHAIN_ID, "optOut", optOut));
    return { PostOptOut: { optOut: { optOut, signature } } };
  }

  unavailable(encoder: Actor, missing: Actor): TransactionKindInput {
    const { attempt } = this.job;
    const unavailable = { job: this.id, attempt, encoder: encoder.address, missing: missing.address };
    const signature = encoder.key.sign(jobSigningBytes(CHAIN_ID, "unavailable", unavailable));
    return { PostUnavailable: { unavailable: { unavailable, signature } } };
  }

  revealOf(encoder: Actor, digest = this.digestOf(encoder)): SignedReveal {
    const reveal = {
      job: this.id,
      attempt: this.job.attempt,
      encoder: encoder.address,
      embeddingDigest: digest,
    };
    return { reveal, signature: encoder.key.sign(jobSigningBytes(CHAIN_ID, "reveal", reveal)) };
  }

  bundle(reveals: SignedReveal[], signer = this.session): TransactionKindInput {
    const bundle = { job: this.id, reveals };
    const sessionSignature = signer.key.sign(jobSigningBytes(CHAIN_ID, "bundle", bundle));
    return { PostBundle: { ...bundle, sessionSignature } };
  }

  result(change: Partial<EvaluationResult> = {}): EvaluationResult {
    const { job } = this;
    const encoders = job.chosen
      .filter((entry) => entry.evaluated)
      .map((entry) => entry.encoder)
      .sort();
    const width = DIMENSION * 2;
    return {
      job: this.id,
      selection: job.selection!,
      bundle: job.evaluatedSet!,
      scores: encoders.map((encoder, i) => ({
        encoder,
        lossPpb: BigInt(i),
        lofMicro: 1_000_000n,
        composite: BigInt(i),
        disqualified: false,
      })),
      winner: encoders[0]!,
      finalsRoot: toHex(merkleRoot([this.finals.subarray(0, width), this.finals.subarray(width)])),
      items: ITEMS,
      ...change,
    };
  }

  proof(
    result = this.result(),
    signs: (index: number) => boolean = () => true,
    finals = this.finals,
  ): TransactionKindInput {
    return { FinalProof: { ...this.signedResult(result, signs), finals } };
  }

  /** A final proof with honest vectors, signed by those of the selection that `signs` names. */
  signedResult(result: EvaluationResult, signs: (index: number) => boolean = () => true) {
    const { chosen } = this.job;
    const signers = chosen.map((_, i) => i).filter(signs);
    const message = evaluationSigningBytes(CHAIN_ID, result);
    const signatures = signers.map((i) => this.actorOf(chosen[i]!.encoder).bls.sign(message));
    return {
      result,
      finals: this.finals,
      signers: bitmapOf(signers, chosen.length),
      aggregateSignature: signatures.length > 0 ? aggregateBls(signatures) : new Uint8Array(96),
    };
  }

  evaluation(encoder: Actor, result = this.result()): TransactionKindInput {
    const message = {
      job: this.id,
      encoder: encoder.address,
      evaluation: evaluationDigest(CHAIN_ID, result),
    };
    const blsSignature = encoder.bls.sign(evaluationSigningBytes(CHAIN_ID, result));
    return { PostEvaluation: { evaluation: { message, blsSignature }, result } };
  }

  /** Through selection and bundle with everybody honest. */
  bundleEverybody(): void {
    const { chain, payer } = this;
    this.must(chain.send(payer, this.selection(this.holders().map((holder) => this.commitOf(holder)))));
    this.must(chain.send(payer, this.bundle(this.holders().map((holder) => this.revealOf(holder)))));
  }

  must(refusal: string): void {
    if (refusal !== "") throw new Error(refusal);
  }
}
