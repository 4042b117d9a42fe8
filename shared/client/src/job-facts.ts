import { fromHex, SomaError, toHex } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import {
  type Address,
  type Digest,
  type EncoderId,
  type Genesis,
  type JobOutcome,
  type LeafProof,
  LeafProofCodec,
  type LedgerEvent,
  type LedgerUpdate,
  provenFact,
  type ReceiptFactName,
  type ReceiptLink,
  ReceiptLinkCodec,
  type SignedCommit,
  type VerifiedFact,
  type VerifiedFacts,
} from "@soma/protocol";
import type { JobJournal } from "./job-journal.ts";

const MAX_LINK_BYTES = 8 * 1024 * 1024;

export interface ClosedJob {
  readonly outcome: JobOutcome;
  /** True if a FinalProof closed it; then the receipt's last fact is known. */
  readonly byProof: boolean;
}

/**
 * What the light client has proved of one job, with the proofs, in the journal: what the session acts on and
 * what the receipt is made of.
 */
export class JobFacts {
  readonly #journal: JobJournal;
  readonly #chainId: string;
  readonly #account: Address;
  /** Digests of the account's transactions by their sequence number, as far as they are about jobs. */
  readonly #used = new Map<bigint, Digest>();
  /** Recent commits with their proofs: which of them draws the shard is known only after the payment. */
  readonly #commits = new Map<bigint, { beacon: Digest; proof: LeafProof; link: ReceiptLink }>();
  #wanted: bigint | undefined;
  /** The last commit that a checkpoint covered. */
  head = 0n;
  paid: { job: Digest; commit: bigint; epoch: bigint } | undefined;
  selection: { commits: readonly SignedCommit[]; commit: bigint } | undefined;
  /** Encoders of the evaluated set. */
  bundled: readonly EncoderId[] | undefined;
  closed: ClosedJob | undefined;

  /** @param account pays and sends */
  constructor(journal: JobJournal, genesis: Genesis, account: Address) {
    this.#journal = journal;
    this.#chainId = genesis.chainId;
    this.#account = account;
    this.#restore();
  }

  /** Says which commit's beacon draws the shard; it may have been proved already. */
  wantDraw(commit: bigint): void {
    this.#wanted = commit;
    const known = this.#commits.get(commit);
    if (known !== undefined) this.#keep("draw", known.proof, known.link);
  }

  /** The transaction that used a sequence number of the account, executed or refused, if one about a job is proved. */
  usedBy(sequence: bigint): Digest | undefined {
    return this.#used.get(sequence);
  }

  /** The beacon of a commit, if proved. */
  draw(commit: bigint): Digest | undefined {
    return this.#commits.get(commit)?.beacon;
  }

  fact(name: ReceiptFactName): { checkpoint: bigint; proof: LeafProof } | undefined {
    const stored = this.#journal.state.facts[name];
    if (stored === undefined) return undefined;
    const proof = decodeExact(LeafProofCodec, fromHex(stored.proof), MAX_LINK_BYTES);
    if (!proof.ok) throw new SomaError("JOURNAL_UNREADABLE", `fact ${name}: ${proof.message}`);
    return { checkpoint: BigInt(stored.checkpoint), proof: proof.value };
  }

  /** Certificates kept for the receipt, ascending. */
  links(): ReceiptLink[] {
    return Object.entries(this.#journal.state.links)
      .map(([sequence, bytes]) => ({ sequence: BigInt(sequence), bytes }))
      .sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
      .map(({ bytes }) => {
        const link = decodeExact(ReceiptLinkCodec, fromHex(bytes), MAX_LINK_BYTES);
        if (!link.ok) throw new SomaError("JOURNAL_UNREADABLE", link.message);
        return link.value;
      });
  }

  /** Takes what one update proved; keeps what concerns this job, and every hand-over. */
  take(facts: VerifiedFacts, update: LedgerUpdate): void {
    const { checkpoint } = update.certificate;
    const link = { certificate: update.certificate, nextEpoch: update.nextEpoch };
    if (update.nextEpoch !== null) this.#keepLink(link);
    for (const proof of update.entries) {
      const fact = provenFact(this.#chainId, checkpoint, proof);
      if (!fact.ok) continue;
      const name = this.#nameOf(fact.value, proof, link);
      if (name !== undefined) this.#keep(name, proof, link);
    }
    for (const { events } of facts.deadlines) this.#close(events, false);
    this.head = facts.checkpoint.commitIndex;
  }

  #keep(name: ReceiptFactName, proof: LeafProof, link: ReceiptLink): void {
    this.#journal.state.facts[name] = {
      checkpoint: String(link.certificate.checkpoint.sequence),
      proof: toHex(encode(LeafProofCodec, proof)),
    };
    this.#keepLink(link);
  }

  #keepLink(link: ReceiptLink): void {
    const sequence = String(link.certificate.checkpoint.sequence);
    this.#journal.state.links[sequence] = toHex(encode(ReceiptLinkCodec, link));
    this.#journal.save();
  }

  /** Takes a fact and says which of the receipt's it is. */
  #nameOf(fact: VerifiedFact, proof: LeafProof, link: ReceiptLink): ReceiptFactName | undefined {
    if (fact.kind === "commit") {
      this.#commits.set(fact.commit, { beacon: fact.leaf.beacon, proof, link });
      if (this.#commits.size > 4_096) this.#commits.delete(this.#commits.keys().next().value!);
      return fact.commit === this.#wanted ? "draw" : undefined;
    }
    if (fact.kind !== "transaction") return undefined;
    const { leaf, signed } = fact.transaction;
    const { kind, sender, sequence } = signed.transaction;
    if (sender === this.#account) this.#used.set(sequence, leaf.digest);
    if (leaf.refusal !== "") {
      if (leaf.digest === this.#journal.state.payment?.digest) this.#refusePayment(leaf.refusal);
      return undefined;
    }
    if (kind.$kind === "GenerateEmbeddings" && leaf.digest === this.#journal.state.payment?.digest) {
      const { epoch } = link.certificate.checkpoint;
      this.paid = { job: leaf.digest, commit: leaf.commit, epoch };
      return "payment";
    }
    const job = this.paid?.job;
    if (job === undefined) return undefined;
    if (kind.$kind === "SelectCommits" && kind.SelectCommits.job === job) {
      this.selection = { commits: kind.SelectCommits.commits, commit: leaf.commit };
      return "selection";
    }
    if (kind.$kind === "PostBundle" && kind.PostBundle.job === job) {
      this.bundled = kind.PostBundle.reveals.map(({ reveal }) => reveal.encoder);
      return "bundle";
    }
    const closes = this.#close(leaf.events, kind.$kind === "FinalProof");
    return closes && kind.$kind === "FinalProof" ? "close" : undefined;
  }

  /** A refused payment bought nothing and never will: the next run of the job may sign another. */
  #refusePayment(code: string): never {
    this.#journal.state.payment = null;
    this.#journal.save();
    throw new SomaError(code, "the ledger refused the job's payment; nothing but its base fee was spent", {
      refusedBy: "ledger",
    });
  }

  #close(events: readonly LedgerEvent[], byProof: boolean): boolean {
    for (const event of events) {
      if (event.$kind !== "JobClosed" || event.JobClosed.job !== this.paid?.job) continue;
      this.closed = { outcome: event.JobClosed.outcome, byProof };
      return true;
    }
    return false;
  }

  #restore(): void {
    const links = new Map(this.links().map((link) => [link.certificate.checkpoint.sequence, link]));
    for (const name of ["payment", "draw", "selection", "bundle", "close"] as const) {
      const stored = this.fact(name);
      const link = stored && links.get(stored.checkpoint);
      if (stored === undefined || link === undefined) continue;
      const fact = provenFact(this.#chainId, link.certificate.checkpoint, stored.proof);
      if (fact.ok) this.#nameOf(fact.value, stored.proof, link);
    }
  }
}
