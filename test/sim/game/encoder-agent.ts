import { type Rng, toHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import type { ItemEmbeddings } from "@soma/embedding";
import {
  bitmapOf,
  commitHash,
  embeddingDigest,
  evaluationDigest,
  evaluationSigningBytes,
  jobSigningBytes,
  type SignedCommit,
  type SignedReceipt,
  type SignedReveal,
} from "@soma/protocol";
import { aggregateCheap } from "./cheap-signatures.ts";
import type { EncoderConduct } from "./conduct.ts";
import { type Evaluated, evaluateSet, forge } from "./evaluation.ts";
import type { Table } from "./play.ts";
import { embed } from "./vectors.ts";
import { CHAIN, type Player } from "./world.ts";

/** One encoder at the table: honest, or of the strategy's team. */
export class EncoderAgent {
  readonly id: string;
  readonly player: Player;
  readonly conduct: EncoderConduct;
  readonly #table: Table;
  readonly #team: ReadonlySet<string>;
  readonly #vectors: ItemEmbeddings;
  readonly #digest: string;
  /** The attempt that it was offered, its signed commit, and when that is ready. */
  #offered: { attempt: number; signature: Uint8Array; at: bigint } | null = null;
  #commit: SignedCommit | null = null;
  #optedOut = -1;

  constructor(table: Table, player: Player, conduct: EncoderConduct, team: ReadonlySet<string>, rng: Rng) {
    this.#table = table;
    this.player = player;
    this.id = player.id;
    this.conduct = conduct;
    this.#team = team;
    this.#vectors = embed(table.datum, conduct.vectors, player.noise, rng);
    const shown = [this.#vectors.full, ...this.#vectors.masks].map((vector) => vector.join()).join("/");
    this.#digest = embeddingDigest(CHAIN, utf8(`${player.id} ${shown}`));
  }

  /** GAME-2: what the submitter gets back for its offer. */
  receive(attempt: number, offerSignature: Uint8Array): SignedReceipt | null {
    this.#offered = { attempt, signature: offerSignature, at: this.#table.world.commit };
    if (!this.conduct.receipt) return null;
    const receipt = { job: this.#table.job.id, attempt, encoder: this.id, dataHash: this.#table.dataHash };
    return { receipt, signature: this.player.messageKey.sign(jobSigningBytes(CHAIN, "receipt", receipt)) };
  }

  /** GAME-3: the commit, once the work is done; null as long as it is not, or when it opted out. */
  commitFor(attempt: number, seen: readonly SignedCommit[], badData: boolean): SignedCommit | null {
    if (this.#offered?.attempt !== attempt || this.conduct.commit === "never") return null;
    if (badData || this.conduct.optOut === "always") return null;
    if (this.#table.world.commit < this.#offered.at + BigInt(this.conduct.delay)) return null;
    if (this.#commit?.commit.attempt === attempt) return this.#commit;
    const own = commitHash(CHAIN, this.id, this.#table.job.id, this.#digest);
    const copied = seen.find((other) => other.commit.encoder !== this.id)?.commit.commitHash;
    if (this.conduct.commit === "copied" && copied === undefined) return null;
    const commit = {
      job: this.#table.job.id,
      attempt,
      encoder: this.id,
      commitHash: this.conduct.commit === "copied" ? copied! : own,
      elapsedMs: 0,
    };
    const signature = this.player.messageKey.sign(jobSigningBytes(CHAIN, "commit", commit));
    this.#commit = { commit, signature };
    return this.#commit;
  }

  /** GAME-5: what the submitter gets; also serves the vectors as the conduct says. */
  reveal(): SignedReveal | null {
    if (this.conduct.reveal === "never") return null;
    if (this.conduct.reveal !== "header") {
      this.#table.served.set(this.id, {
        vectors: this.#vectors,
        toAll: this.conduct.reveal !== "submitter-only",
      });
    }
    return this.#signedReveal();
  }

  #signedReveal(): SignedReveal {
    const mismatched = this.conduct.reveal === "mismatch";
    const reveal = {
      job: this.#table.job.id,
      attempt: this.#table.job.attempt,
      encoder: this.id,
      embeddingDigest: mismatched ? toHex(sha256(utf8("another"))) : this.#digest,
    };
    return { reveal, signature: this.player.messageKey.sign(jobSigningBytes(CHAIN, "reveal", reveal)) };
  }

  act(all: readonly EncoderAgent[]): void {
    const { job } = this.#table;
    if (job.phase === "drawn") this.#actDrawn();
    if (job.selection === null || this.#table.over) return;
    const { commit } = this.#table.world;
    const chosen = job.chosen.find((entry) => entry.encoder === this.id);
    if (chosen === undefined) return;
    const posts = this.conduct.watches && this.conduct.reveal !== "never";
    if (posts && chosen.revealed === null && !chosen.mismatched && commit >= job.revealDeadline - 3n) {
      if (commit <= job.revealDeadline) {
        this.#table.send(this.id, "PostReveal", { reveal: this.#signedReveal() });
      }
    }
    if (this.#table.job.evaluatedSet !== null) this.#actBundled(all);
  }

  #actDrawn(): void {
    const { job, world } = this.#table;
    if (this.#offered?.attempt !== job.attempt || job.shard.every((member) => member.encoder !== this.id))
      return;
    const refuses =
      this.conduct.optOut !== "if-bad" || (this.#table.dataIsBad && this.conduct.optOut === "if-bad");
    if (refuses && this.#optedOut !== job.attempt) {
      const reason = this.conduct.optOut === "yet-commits" ? "Unavailable" : "HashMismatch";
      const optOut = {
        job: job.id,
        attempt: job.attempt,
        encoder: this.id,
        reason: { [reason]: true, $kind: reason },
      };
      const signed = {
        optOut: optOut as never,
        signature: this.player.messageKey.sign(jobSigningBytes(CHAIN, "optOut", optOut as never)),
      };
      if (this.#table.send(this.id, "PostOptOut", { optOut: signed })) this.#optedOut = job.attempt;
    }
    const commit = this.#commit;
    const due = world.commit >= job.deadline - 8n && this.conduct.watches;
    if (
      due &&
      commit?.commit.attempt === job.attempt &&
      !job.posted.some((post) => post.encoder === this.id)
    ) {
      this.#table.send(this.id, "PostCommit", {
        commit,
        dataHash: this.#table.dataHash,
        offerSignature: this.#offered.signature,
      });
    }
  }

  /** What this encoder would sign; null while it cannot have all vectors of the set. */
  evaluation(): Evaluated | null {
    const { job, served } = this.#table;
    const set = job.chosen.filter((entry) => entry.evaluated);
    const have = set.map(({ encoder }) => {
      const entry = served.get(encoder);
      const visible = entry !== undefined && (entry.toAll || this.#team.has(this.id) || encoder === this.id);
      return visible ? { id: encoder, reveal: [entry.vectors] } : null;
    });
    if (have.some((entry) => entry === null)) return null;
    const honest = evaluateSet(
      job,
      have.map((entry) => entry!),
      this.#table.jobSeed,
    );
    if (this.conduct.evaluate !== "forged") return honest;
    const favourite = [...this.#team].find((member) => set.some((entry) => entry.encoder === member));
    return favourite === undefined ? honest : forge(honest, favourite);
  }

  #actBundled(all: readonly EncoderAgent[]): void {
    const { job, world } = this.#table;
    if (world.commit > job.proofDeadline) return;
    const chosen = job.chosen.find((entry) => entry.encoder === this.id)!;
    const late = world.commit >= job.proofDeadline - 3n;
    if (this.conduct.evaluate === "never") return;
    if (this.conduct.evaluate === "claims-missing") {
      const target = job.chosen.find((entry) => entry.evaluated && !this.#team.has(entry.encoder));
      if (job.phase === "bundled" && target !== undefined && !chosen.answered)
        this.#claimMissing(target.encoder);
      return;
    }
    if (job.phase === "bundled" && this.#proposesProof(all)) return;
    if (chosen.answered || !chosen.evaluated || !this.conduct.watches || !late) return;
    const own = this.evaluation();
    if (own === null) {
      const missing = job.chosen.find(
        (entry) => entry.evaluated && this.#table.served.get(entry.encoder)?.toAll !== true,
      );
      if (missing !== undefined && job.phase === "bundled") this.#claimMissing(missing.encoder);
      return;
    }
    const evaluation = evaluationDigest(CHAIN, own.result);
    this.#table.send(this.id, "PostEvaluation", {
      evaluation: {
        message: { job: job.id, encoder: this.id, evaluation },
        blsSignature: this.player.blsKey.sign(evaluationSigningBytes(CHAIN, own.result)),
      },
      result: own.result,
    });
  }

  #claimMissing(missing: string): void {
    const { job } = this.#table;
    const unavailable = { job: job.id, attempt: job.attempt, encoder: this.id, missing };
    const signature = this.player.messageKey.sign(jobSigningBytes(CHAIN, "unavailable", unavailable));
    this.#table.send(this.id, "PostUnavailable", { unavailable: { unavailable, signature } });
  }

  /** GAME-8: the first signer of a result that more than two thirds of the seats share brings the proof. */
  #proposesProof(all: readonly EncoderAgent[]): boolean {
    const { job } = this.#table;
    const own = this.evaluation();
    if (own === null) return false;
    const digest = evaluationDigest(CHAIN, own.result);
    const signers: number[] = [];
    let seats = 0;
    let total = 0;
    for (const [index, entry] of job.chosen.entries()) {
      total += entry.seats;
      const agent = all.find((other) => other.id === entry.encoder)!;
      const signs = agent.conduct.evaluate === "own" || agent.conduct.evaluate === "forged";
      const theirs = signs ? agent.evaluation() : null;
      if (theirs === null || evaluationDigest(CHAIN, theirs.result) !== digest) continue;
      signers.push(index);
      seats += entry.seats;
    }
    if (3 * seats <= 2 * total || job.chosen[signers[0]!]!.encoder !== this.id) return false;
    const message = evaluationSigningBytes(CHAIN, own.result);
    const signatures = signers.map((index) =>
      all.find((other) => other.id === job.chosen[index]!.encoder)!.player.blsKey.sign(message),
    );
    return this.#table.send(this.id, "FinalProof", {
      result: own.result,
      finals: own.finals,
      signers: bitmapOf(signers, job.chosen.length),
      aggregateSignature: aggregateCheap(signatures),
    });
  }
}
