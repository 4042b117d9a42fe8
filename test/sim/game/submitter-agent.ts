import { jobSigningBytes, type SignedCommit, type SignedReceipt, type SignedReveal } from "@soma/protocol";
import type { SubmitterConduct } from "./conduct.ts";
import type { EncoderAgent } from "./encoder-agent.ts";
import type { Table } from "./play.ts";
import { CHAIN } from "./world.ts";

/** The submitter at the table. */
export class SubmitterAgent {
  readonly #table: Table;
  readonly #conduct: SubmitterConduct;
  readonly #encoders: readonly EncoderAgent[];
  readonly #team: ReadonlySet<string>;
  readonly #victims: ReadonlySet<string>;
  readonly #inTeam: boolean;
  #offeredAttempt = -1;
  #offeredAt = 0n;
  #commits: SignedCommit[] = [];
  readonly #receipts = new Map<string, SignedReceipt>();
  #reveals: SignedReveal[] = [];
  #sentTwice = false;
  #brought = false;

  constructor(
    table: Table,
    conduct: SubmitterConduct,
    encoders: readonly EncoderAgent[],
    team: ReadonlySet<string>,
    victims: ReadonlySet<string>,
    inTeam: boolean,
  ) {
    this.#table = table;
    this.#conduct = conduct;
    this.#encoders = encoders;
    this.#team = team;
    this.#victims = victims;
    this.#inTeam = inTeam;
    table.dataIsBad = conduct.data === "bad";
  }

  act(): void {
    const { job } = this.#table;
    if (job.phase === "drawn") this.#actDrawn();
    else if (job.phase === "selected") this.#actSelected();
    if (this.#table.job.selection !== null) this.#bringReceipts();
  }

  #sign(name: "offer" | "selection" | "bundle", message: never): Uint8Array {
    return this.#table.world.session.sign(jobSigningBytes(CHAIN, name, message));
  }

  #actDrawn(): void {
    const { job, world, dataHash } = this.#table;
    if (this.#conduct.data === "withheld") return;
    const holders = this.#encoders.filter((agent) => job.shard.some((member) => member.encoder === agent.id));
    if (this.#offeredAttempt !== job.attempt) {
      this.#offeredAttempt = job.attempt;
      this.#offeredAt = world.commit;
      this.#commits = [];
      this.#receipts.clear();
      const signature = this.#sign("offer", { job: job.id, attempt: job.attempt, dataHash } as never);
      for (const agent of holders) {
        const receipt = agent.receive(job.attempt, signature);
        if (receipt !== null) this.#receipts.set(agent.id, receipt);
      }
      return;
    }
    for (const agent of holders) {
      const commit = agent.commitFor(job.attempt, this.#commits, this.#table.dataIsBad);
      if (commit !== null && !this.#commits.includes(commit)) this.#commits.push(commit);
    }
    // All that will come in time is there three commits after the offer.
    if (world.commit < this.#offeredAt + 3n || this.#conduct.select === "never") return;
    const commits = this.#choose();
    if (commits !== null) this.#select(commits);
  }

  /** The commits to select, just enough seats of them; null if there are not enough. */
  #choose(): SignedCommit[] | null {
    const { job } = this.#table;
    const index = (commit: SignedCommit) =>
      this.#encoders.findIndex((agent) => agent.id === commit.commit.encoder);
    const order = [...this.#commits];
    if (this.#conduct.select === "friends") {
      const isFriend = (commit: SignedCommit) => (this.#team.has(commit.commit.encoder) ? 0 : 1);
      order.sort((a, b) => isFriend(a) - isFriend(b) || index(b) - index(a));
    } else if (this.#conduct.select === "without") {
      const isVictim = (commit: SignedCommit) => (this.#victims.has(commit.commit.encoder) ? 1 : 0);
      order.sort((a, b) => isVictim(a) - isVictim(b));
    }
    let seats = 0;
    const taken: SignedCommit[] = [];
    for (const commit of order) {
      if (seats >= job.quorum) break;
      taken.push(commit);
      seats += job.shard.find((member) => member.encoder === commit.commit.encoder)!.seats;
    }
    return seats >= job.quorum ? taken : null;
  }

  #select(commits: SignedCommit[]): void {
    const { job, dataHash, world } = this.#table;
    const selection = { job: job.id, attempt: job.attempt, dataHash, commits };
    const sent = this.#table.send(world.submitter, "SelectCommits", {
      ...selection,
      sessionSignature: this.#sign("selection", selection as never),
    });
    if (!sent || this.#conduct.select !== "twice" || this.#sentTwice) return;
    this.#sentTwice = true;
    const other = { ...selection, commits: commits.toReversed() };
    this.#table.send(world.submitter, "SelectCommits", {
      ...other,
      sessionSignature: this.#sign("selection", other as never),
    });
  }

  #actSelected(): void {
    const { job, world } = this.#table;
    const selectedAt = job.revealDeadline - 12n;
    if (world.commit < selectedAt + 1n) return;
    if (this.#reveals.length === 0) {
      for (const { encoder } of job.chosen) {
        const reveal = this.#encoders.find((agent) => agent.id === encoder)!.reveal();
        if (reveal !== null) this.#reveals.push(reveal);
      }
      // An honest submitter serves every blob that it got.
      if (!this.#inTeam) {
        for (const [id, entry] of this.#table.served) this.#table.served.set(id, { ...entry, toAll: true });
      }
    }
    if (this.#conduct.bundle === "never") return;
    const reveals = this.#bundled();
    const seats = (some: readonly SignedReveal[]) =>
      job.chosen
        .filter((entry) => some.some((signed) => signed.reveal.encoder === entry.encoder))
        .reduce((sum, entry) => sum + entry.seats, 0);
    const all = job.chosen.reduce((sum, entry) => sum + entry.seats, 0);
    if (3 * seats(reveals) < 2 * all) return;
    const bundle = { job: job.id, reveals };
    this.#table.send(world.submitter, "PostBundle", {
      ...bundle,
      sessionSignature: this.#sign("bundle", bundle as never),
    });
  }

  /** The honest one takes every reveal whose vectors it holds; a team's may take what nobody else can have. */
  #bundled(): SignedReveal[] {
    const { job, served } = this.#table;
    const held = this.#reveals.filter(
      (signed) =>
        served.has(signed.reveal.encoder) || (this.#inTeam && this.#team.has(signed.reveal.encoder)),
    );
    if (this.#conduct.bundle !== "friends") return held;
    const all = job.chosen.reduce((sum, entry) => sum + entry.seats, 0);
    const rank = (signed: SignedReveal) =>
      this.#team.has(signed.reveal.encoder)
        ? -1
        : ENCODER_COUNT - this.#encoders.findIndex((agent) => agent.id === signed.reveal.encoder);
    let seats = 0;
    return [...held]
      .sort((a, b) => rank(a) - rank(b))
      .filter((signed) => {
        if (3 * seats >= 2 * all) return false;
        seats += job.chosen.find((entry) => entry.encoder === signed.reveal.encoder)!.seats;
        return true;
      });
  }

  #bringReceipts(): void {
    if (this.#brought || !this.#conduct.bringsReceipts || this.#table.over) return;
    this.#brought = true;
    const { job, world } = this.#table;
    for (const [encoder, receipt] of this.#receipts) {
      const excused =
        job.chosen.some((entry) => entry.encoder === encoder) ||
        job.optOuts.some((optOut) => optOut.encoder === encoder) ||
        job.posted.some((post) => post.encoder === encoder);
      if (!excused) this.#table.send(world.submitter, "PostReceipt", { receipt });
    }
  }
}

const ENCODER_COUNT = 1_000;
