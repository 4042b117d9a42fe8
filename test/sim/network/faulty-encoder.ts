import type { EncoderEffect, EncoderInput } from "@soma/encoder/core";
import {
  type Hex32,
  JobMessageCodec,
  type JobMessageInput,
  jobSigningBytes,
  type SignedReveal,
  type TransactionKindInput,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { VectorKind } from "../game/vectors.ts";
import { EncoderHost, type EncoderHostOptions } from "./encoder-host.ts";
import type { infer, SyntheticRequest } from "./synthetic-inference.ts";
import type { NetworkWorld } from "./world.ts";

/** How an encoder breaks the rules, in every job. */
export const ENCODER_FAULTS = [
  "silent",
  "stalls",
  "mismatch",
  "turncoat",
  "withholds-vectors",
  "refuses-to-sign",
  "hides-reveal",
  "huge",
  "constant",
  "random",
  "not-a-number",
  "bag-of-words",
] as const;
export type EncoderFault = (typeof ENCODER_FAULTS)[number];

const VECTORS: Partial<Record<EncoderFault, VectorKind | "no-blob">> = {
  huge: "huge",
  constant: "constant",
  random: "random",
  "not-a-number": "no-blob",
  "bag-of-words": "bag-of-words",
};

/** An encoder that runs the real core and changes what leaves it. */
export class FaultyEncoder extends EncoderHost {
  readonly fault: EncoderFault;

  constructor(world: NetworkWorld, options: EncoderHostOptions, fault: EncoderFault) {
    super(world, options);
    this.fault = fault;
  }

  protected override receive(input: EncoderInput & { kind: "message" }): void {
    if (this.fault === "silent") return;
    super.receive(input);
  }

  protected override embed(request: SyntheticRequest): ReturnType<typeof infer> {
    return super.embed({ ...request, kind: VECTORS[this.fault] ?? "honest" });
  }

  protected override carryOut(effect: EncoderEffect): void {
    if (this.fault === "withholds-vectors" && effect.kind === "publish-vectors") return;
    if (effect.kind === "send") {
      const message = this.#change(effect.message);
      if (message !== null) super.carryOut({ ...effect, message });
      return;
    }
    if (this.fault === "refuses-to-sign" && effect.kind === "submit-final-proof") return;
    super.carryOut(effect);
  }

  protected override submit(kind: TransactionKindInput): void {
    const { fault } = this;
    if (fault === "stalls" && "PostCommit" in kind) return;
    if (fault === "refuses-to-sign" && "PostEvaluation" in kind) return;
    if (fault === "hides-reveal" && "PostReveal" in kind) return;
    if (fault === "mismatch" && "PostReveal" in kind) {
      const { job, attempt } = kind.PostReveal.reveal.reveal;
      super.submit({ PostReveal: { reveal: this.#otherReveal(job, Number(attempt)) } });
      return;
    }
    super.submit(kind);
  }

  /** The message as it leaves; null if it does not. */
  #change(input: JobMessageInput): JobMessageInput | null {
    const { fault } = this;
    const message = JobMessageCodec.parse(JobMessageCodec.serialize(input).toBytes());
    if (message.Commit !== undefined && fault === "stalls") return null;
    if (message.Commit !== undefined && fault === "turncoat") this.#optOut(message.Commit.commit);
    if (message.Reveal !== undefined && fault === "hides-reveal") return null;
    if (message.Reveal !== undefined && fault === "mismatch") {
      const { job, attempt } = message.Reveal.reveal.reveal;
      return { Reveal: { ...message.Reveal, reveal: this.#otherReveal(job, Number(attempt)) } };
    }
    if (message.Evaluation !== undefined && fault === "refuses-to-sign") return null;
    return message;
  }

  #otherReveal(job: Hex32, attempt: number): SignedReveal {
    const reveal = { job, attempt, encoder: this.id, embeddingDigest: "dd".repeat(32) };
    const signature = this.options.actor.signMessage(jobSigningBytes(SIM_CHAIN, "reveal", reveal));
    return { reveal, signature };
  }

  /** GAME-4: opts out although it commits. */
  #optOut({ job, attempt }: { readonly job: Hex32; readonly attempt: number }): void {
    const optOut = { job, attempt, encoder: this.id, reason: { Unavailable: true } } as const;
    const signature = this.options.actor.signMessage(jobSigningBytes(SIM_CHAIN, "optOut", optOut));
    this.submit({ PostOptOut: { optOut: { optOut, signature } } });
  }
}
