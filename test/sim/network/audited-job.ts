import {
  type Address,
  bitmapIndices,
  commitHash,
  drawShard,
  type EpochInfo,
  evaluationSigningBytes,
  type JobOutcome,
  jobSigningBytes,
  type Parameters,
  type Shard,
  type SignedCommit,
  type SignedReveal,
  shardDigest,
  type TransactionKind,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { networkVerifier } from "./network-crypto.ts";

type SigningInput<F extends (...args: never[]) => unknown> = F extends (...args: infer A) => unknown
  ? A
  : never;
type Kind<K extends TransactionKind["$kind"]> = Extract<TransactionKind, { $kind: K }>[K];

/** What a job's end moved, as the rules have it. */
export interface Ending {
  readonly pays: readonly { readonly to: Address; readonly amount: bigint }[];
  readonly burned: bigint;
}

const BPS = 10_000n;

/**
 * One job as GAME says that it must go, told again from the transactions and beacons alone: a second opinion on what
 * the ledger says of it. Every method returns what is wrong, or null.
 */
export class AuditedJob {
  readonly id: string;
  readonly payer: Address;
  readonly fee: bigint;
  readonly tip: bigint;
  readonly epoch: EpochInfo;
  readonly paidAt: bigint;
  readonly #request: Kind<"GenerateEmbeddings">;
  readonly #parameters: Parameters;
  #attempt = -1;
  #shard: Shard | null = null;
  /** By when the attempt must be over. */
  #selectDue = 0n;
  #selectedAt = 0n;
  #bundledAt = 0n;
  #commits: readonly SignedCommit[] = [];
  readonly #shown = new Map<string, string>();
  readonly #posted = new Set<string>();
  readonly #refusing = new Set<string>();
  readonly #missing = new Map<string, Set<string>>();
  readonly #evaluations = new Map<string, string>();
  #set: readonly string[] = [];
  readonly #signers = new Set<string>();
  readonly slashed = new Set<string>();
  outcome: JobOutcome | null = null;

  constructor(input: {
    readonly id: string;
    readonly payer: Address;
    readonly epoch: EpochInfo;
    readonly commit: bigint;
    readonly request: Kind<"GenerateEmbeddings">;
    readonly parameters: Parameters;
  }) {
    this.id = input.id;
    this.payer = input.payer;
    this.epoch = input.epoch;
    this.paidAt = input.commit;
    this.#request = input.request;
    this.#parameters = input.parameters;
    this.fee = (input.epoch.prices[input.request.modality] ?? 0n) * input.request.sizeBytes;
    this.tip = input.request.jobTip;
  }

  get escrow(): bigint {
    return this.fee + this.tip;
  }

  get phase(): "paid" | "drawn" | "selected" | "bundled" | "closed" {
    if (this.outcome !== null) return "closed";
    if (this.#bundledAt > 0n) return "bundled";
    if (this.#selectedAt > 0n) return "selected";
    return this.#shard === null ? "paid" : "drawn";
  }

  get attempt(): number {
    return this.#attempt;
  }

  isChosen(encoder: string): boolean {
    return this.#commits.some(({ commit }) => commit.encoder === encoder);
  }

  #seats(encoders: Iterable<string>): number {
    let seats = 0;
    for (const encoder of new Set(encoders)) seats += this.#shard?.seatsOf.get(encoder) ?? 0;
    return seats;
  }

  #bySession<N extends "offer" | "selection" | "bundle">(
    name: N,
    message: SigningInput<typeof jobSigningBytes<N>>[2],
    signature: Uint8Array,
  ): boolean {
    const key = Uint8Array.from(this.#request.sessionKey);
    return networkVerifier.ed25519(key, jobSigningBytes(SIM_CHAIN, name, message), signature);
  }

  #byEncoder<N extends "commit" | "reveal" | "receipt" | "optOut">(
    name: N,
    encoder: string,
    message: SigningInput<typeof jobSigningBytes<N>>[2],
    signature: Uint8Array,
  ): boolean {
    const entry = this.epoch.roster.find((one) => one.encoder === encoder);
    const bytes = jobSigningBytes(SIM_CHAIN, name, message);
    return entry !== undefined && networkVerifier.ed25519(entry.messageKey, bytes, signature);
  }

  /** SHARD-3, GAME-9: this attempt, at this commit, this shard. */
  drawn(attempt: number, commit: bigint, beacon: string, digest: string): string | null {
    const { shardDelay, selectTimeout, shardAttempts } = this.#parameters;
    if (attempt !== this.#attempt + 1 || attempt >= shardAttempts)
      return `attempt ${attempt} after ${this.#attempt}`;
    const due = this.paidAt + BigInt(shardDelay) + BigInt(attempt) * BigInt(selectTimeout);
    if (commit !== due) return `attempt ${attempt} is drawn at ${commit}, due at ${due}`;
    const draw = {
      chainId: SIM_CHAIN,
      epoch: this.epoch,
      parameters: this.#parameters,
      modality: this.#request.modality,
    };
    const shard = drawShard({ ...draw, beacon, job: this.id, attempt });
    if (!shard.ok || shardDigest(SIM_CHAIN, shard.value) !== digest)
      return "another shard than the beacon draws";
    this.#attempt = attempt;
    this.#shard = shard.value;
    this.#selectDue = due + BigInt(selectTimeout);
    this.#posted.clear();
    this.#refusing.clear();
    return null;
  }

  /** GAME-4. */
  selected(selection: Kind<"SelectCommits">, commit: bigint): string | null {
    if (this.phase !== "drawn") return `a selection of a job that is ${this.phase}`;
    if (commit > this.#selectDue) return `a selection at ${commit}, due at ${this.#selectDue}`;
    const { sessionSignature, ...message } = selection;
    if (!this.#bySession("selection", message, sessionSignature))
      return "a selection that the session did not sign";
    for (const { commit: one, signature } of selection.commits) {
      if (!this.#shard!.seatsOf.has(one.encoder) || one.attempt !== this.#attempt)
        return "a stranger is selected";
      if (!this.#byEncoder("commit", one.encoder, one, signature))
        return "a commit that its encoder did not sign";
    }
    if (this.#seats(selection.commits.map(({ commit: one }) => one.encoder)) < this.#shard!.quorum) {
      return "a selection below the quorum";
    }
    this.#selectedAt = commit;
    this.#commits = selection.commits;
    return null;
  }

  /** GAME-5: a reveal on the ledger counts as its signer's only if the signer signed it. */
  revealed({ reveal, signature }: SignedReveal): string | null {
    if (!this.#byEncoder("reveal", reveal.encoder, reveal, signature))
      return "a reveal that its encoder did not sign";
    const commit = this.#commits.find((one) => one.commit.encoder === reveal.encoder)?.commit;
    if (commit === undefined) return "a reveal of one who was not chosen";
    const hash = commitHash(SIM_CHAIN, reveal.encoder, this.id, reveal.embeddingDigest);
    if (hash === commit.commitHash) {
      if (!this.#shown.has(reveal.encoder)) this.#shown.set(reveal.encoder, reveal.embeddingDigest);
    } else this.#shown.set(reveal.encoder, "");
    return null;
  }

  /** GAME-6: the evaluated set, of `listed` or of all that revealed. */
  bundled(listed: readonly string[] | null, commit: bigint): string | null {
    if (this.phase !== "selected") return `a set is fixed for a job that is ${this.phase}`;
    const due = this.#selectedAt + BigInt(this.#parameters.revealTimeout);
    if (listed === null ? commit !== due : commit > due) return `a set at ${commit}, due at ${due}`;
    const shown = [...this.#shown].flatMap(([encoder, digest]) => (digest === "" ? [] : [encoder]));
    this.#set = listed === null ? shown : shown.filter((encoder) => listed.includes(encoder));
    const chosen = this.#commits.map((one) => one.commit.encoder);
    if (3 * this.#seats(this.#set) < 2 * this.#seats(chosen)) return "a set of fewer than two thirds";
    this.#bundledAt = commit;
    return null;
  }

  bundleSigned(bundle: Kind<"PostBundle">): boolean {
    const { sessionSignature, ...message } = bundle;
    return this.#bySession("bundle", message, sessionSignature);
  }

  /** What a transaction adds without ending anything. */
  noted(kind: TransactionKind, commit: bigint): string | null {
    switch (kind.$kind) {
      case "PostCommit": {
        const { encoder } = kind.PostCommit.commit.commit;
        const before = this.#seats(this.#posted);
        this.#posted.add(encoder);
        const { quorum } = this.#shard!;
        const grace = commit + BigInt(Math.ceil(this.#parameters.selectTimeout / 4));
        if (before < quorum && this.#seats(this.#posted) >= quorum && grace > this.#selectDue)
          this.#selectDue = grace;
        return null;
      }
      case "PostOptOut": {
        const { optOut, signature } = kind.PostOptOut.optOut;
        if (!this.#byEncoder("optOut", optOut.encoder, optOut, signature))
          return "an opt-out that nobody signed";
        if (optOut.reason.$kind !== "Unavailable") this.#refusing.add(optOut.encoder);
        return null;
      }
      case "PostReceipt": {
        const { receipt, signature } = kind.PostReceipt.receipt;
        return this.#byEncoder("receipt", receipt.encoder, receipt, signature)
          ? null
          : "a receipt that nobody signed";
      }
      case "PostEvaluation": {
        const { encoder, evaluation } = kind.PostEvaluation.evaluation.message;
        this.#evaluations.set(encoder, evaluation);
        return null;
      }
      case "PostUnavailable": {
        const { encoder, missing } = kind.PostUnavailable.unavailable.unavailable;
        const naming = this.#missing.get(missing) ?? new Set<string>();
        this.#missing.set(missing, naming.add(encoder));
        return null;
      }
      case "PostReveal":
        return this.revealed(kind.PostReveal.reveal);
      default:
        return null;
    }
  }

  /** GAME-8: whether a proof ends the job rightly. */
  proved(proof: Kind<"FinalProof">): string | null {
    if (this.phase !== "bundled") return `a proof of a job that is ${this.phase}`;
    const indices = bitmapIndices(proof.signers, this.#commits.length);
    if (!indices.ok) return "a proof with no such signers";
    const signers = indices.value.map((i) => this.#commits[i]!.commit.encoder);
    const chosen = this.#commits.map((one) => one.commit.encoder);
    if (3 * this.#seats(signers) <= 2 * this.#seats(chosen)) return "a proof of two thirds or fewer";
    const keys = signers.map((id) => this.epoch.roster.find((entry) => entry.encoder === id)!.blsKey);
    const message = evaluationSigningBytes(SIM_CHAIN, proof.result);
    if (!networkVerifier.bls(keys, message, proof.aggregateSignature)) return "a proof that is not signed";
    for (const signer of signers) this.#signers.add(signer);
    const { winner } = proof.result;
    if (winner !== null && !this.#set.includes(winner)) return "the winner is not in the evaluated set";
    return null;
  }

  /** The job's end: what it moves if it is right, else what is wrong. `commit` is null for a transaction's doing. */
  closed(outcome: JobOutcome, deadline: bigint | null): Ending | string {
    if (this.outcome !== null) return "closed twice";
    const ending = this.#ending(outcome, deadline);
    if (typeof ending !== "string") this.outcome = outcome;
    return ending;
  }

  #ending(outcome: JobOutcome, deadline: bigint | null): Ending | string {
    const {
      refundFeeBps,
      badDataShareBps,
      jobBurnBps,
      revealTimeout,
      proofTimeout,
      selectTimeout,
      shardAttempts,
    } = this.#parameters;
    const refund = (burned: bigint): Ending => ({
      pays: [{ to: this.payer, amount: this.escrow - burned }],
      burned,
    });
    const less = (bps: number) => (this.fee * BigInt(bps)) / BPS;
    const proofDue = this.#bundledAt + BigInt(proofTimeout);
    switch (outcome.$kind) {
      case "Settled": {
        const { winner, paid } = outcome.Settled;
        if (deadline !== null && deadline !== proofDue)
          return `a majority at ${deadline}, due at ${proofDue}`;
        if (paid !== this.escrow - less(jobBurnBps)) return "another sum than fee and tip to the winner";
        if (!this.#set.includes(winner)) return "a winner that was not evaluated";
        return { pays: [{ to: winner, amount: paid }], burned: less(jobBurnBps) };
      }
      case "AllDisqualified":
        return this.phase === "bundled" ? refund(less(refundFeeBps)) : `disqualified while ${this.phase}`;
      case "Shared": {
        if (deadline === null || deadline !== this.#selectDue)
          return `shared at ${deadline}, due at ${this.#selectDue}`;
        const seats = this.#seats(this.#posted);
        if (seats < this.#shard!.quorum) return "shared below the quorum";
        const seat = this.fee / 2n / BigInt(seats);
        const pays = [...this.#posted].map((to) => ({ to, amount: seat * BigInt(this.#seats([to])) }));
        const burned = less(jobBurnBps);
        const rest = this.escrow - burned - seat * BigInt(seats);
        return { pays: [...pays, { to: this.payer, amount: rest }], burned };
      }
      case "Refunded": {
        const { cause } = outcome.Refunded;
        const revealDue = this.#selectedAt + BigInt(revealTimeout);
        if (cause === "attempts-exhausted") {
          const isLast = this.#attempt === shardAttempts - 1 && deadline === this.#selectDue;
          return isLast && selectTimeout > 0
            ? refund(less(refundFeeBps))
            : `attempts are over at ${deadline}`;
        }
        if (cause === "reveals-short" && deadline !== revealDue) return `short of reveals at ${deadline}`;
        if (cause === "no-evaluation" && deadline !== proofDue) return `without evaluation at ${deadline}`;
        if (cause === "vectors-unavailable") {
          const chosen = this.#commits.map((one) => one.commit.encoder);
          const most = Math.max(0, ...[...this.#missing.values()].map((naming) => this.#seats(naming)));
          if (3 * most <= 2 * this.#seats(chosen)) return "vectors are missed by two thirds or fewer";
        }
        return refund(this.fee / 2n);
      }
      case "Voided":
        return this.#selectedAt > 0n ? { pays: [], burned: this.escrow } : "voided without a selection";
      case "BadData":
        if (this.#seats(this.#refusing) < this.#shard!.quorum) return "bad data below the quorum";
        return refund(less(badDataShareBps));
    }
  }

  /** GAME-9: no state outlives its deadline. */
  overdue(commit: bigint): string | null {
    const { shardDelay, revealTimeout, proofTimeout } = this.#parameters;
    const due = {
      paid: this.paidAt + BigInt(shardDelay),
      drawn: this.#selectDue,
      selected: this.#selectedAt + BigInt(revealTimeout),
      bundled: this.#bundledAt + BigInt(proofTimeout),
      closed: commit + 1n,
    }[this.phase];
    return commit >= due ? `still ${this.phase} at ${commit}, due at ${due}` : null;
  }

  /** GAME-5, GAME-8: who owed a reveal or a signature until the end and gave none must have been slashed. */
  unpunished(): string | null {
    const kind = this.outcome?.$kind;
    if (this.#selectedAt === 0n || kind === "Voided") return null;
    if (this.outcome?.Refunded?.cause === "vectors-unavailable") return null;
    for (const { commit } of this.#commits) {
      const { encoder } = commit;
      const isSlashed = (cause: string) => this.slashed.has(`${encoder} ${cause}`);
      if (this.#shown.get(encoder) === undefined && !isSlashed("reveal"))
        return `${encoder.slice(0, 6)} never revealed`;
      const hasAnswered =
        this.#signers.has(encoder) ||
        this.#evaluations.has(encoder) ||
        [...this.#missing.values()].some((naming) => naming.has(encoder));
      if (this.#set.includes(encoder) && !hasAnswered && !isSlashed("no-signature")) {
        return `${encoder.slice(0, 6)} never signed`;
      }
    }
    return null;
  }
}
