import {
  drawShard,
  type EpochInfo,
  type Hex32,
  type LedgerEvent,
  type Parameters,
  type Shard,
  type VerifiedFacts,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";

/** One's own job as proven facts show it. */
export interface SeenJob {
  readonly id: Hex32;
  readonly epoch: EpochInfo;
  readonly sessionKey: Uint8Array;
  phase: "paid" | "drawn" | "selected" | "bundled" | "closed";
  shard: Shard | null;
  chosen: readonly Hex32[];
}

/** Follows one submitter's jobs by what a light client proved. */
export class OwnJobs {
  readonly #payer: Hex32;
  readonly #parameters: Parameters;
  readonly #jobs = new Map<Hex32, SeenJob>();
  readonly #beacons = new Map<bigint, Hex32>();
  /** Draws whose beacon is not proven yet. */
  #draws: { readonly job: Hex32; readonly attempt: number; readonly commit: bigint }[] = [];

  constructor(payer: Hex32, parameters: Parameters) {
    this.#payer = payer;
    this.#parameters = parameters;
  }

  job(id: Hex32): SeenJob | undefined {
    return this.#jobs.get(id);
  }

  /** Takes facts in order; returns the jobs that a new shard was drawn for. */
  take(facts: VerifiedFacts, epochOf: (epoch: bigint) => EpochInfo | undefined): SeenJob[] {
    for (const { index, beacon } of facts.commits) this.#beacons.set(index, beacon);
    for (const { leaf, signed } of facts.transactions) {
      if (leaf.refusal !== "") continue;
      const { kind, sender } = signed.transaction;
      const epoch = epochOf(facts.checkpoint.epoch);
      if (kind.$kind === "GenerateEmbeddings" && sender === this.#payer && epoch !== undefined) {
        const sessionKey = Uint8Array.from(kind.GenerateEmbeddings.sessionKey);
        const job: SeenJob = { id: leaf.digest, epoch, sessionKey, phase: "paid", shard: null, chosen: [] };
        this.#jobs.set(leaf.digest, job);
      }
      if (kind.$kind === "SelectCommits") {
        const job = this.#jobs.get(kind.SelectCommits.job);
        if (job !== undefined) job.chosen = kind.SelectCommits.commits.map(({ commit }) => commit.encoder);
      }
      for (const event of leaf.events) this.#event(event);
    }
    for (const { events } of facts.deadlines) for (const event of events) this.#event(event);
    return this.#draw();
  }

  #event(event: LedgerEvent): void {
    if (event.$kind === "ShardDrawn") this.#draws.push(event.ShardDrawn);
    const selected = event.JobSelected && this.#jobs.get(event.JobSelected.job);
    if (selected?.phase === "drawn" || selected?.phase === "paid") selected.phase = "selected";
    const bundled = event.JobBundled && this.#jobs.get(event.JobBundled.job);
    if (bundled !== undefined && bundled.phase !== "closed") bundled.phase = "bundled";
    const closed = event.JobClosed && this.#jobs.get(event.JobClosed.job);
    if (closed !== undefined) closed.phase = "closed";
  }

  /** SHARD-3. */
  #draw(): SeenJob[] {
    const drawn: SeenJob[] = [];
    const waiting = this.#draws;
    this.#draws = [];
    for (const draw of waiting) {
      const job = this.#jobs.get(draw.job);
      const beacon = this.#beacons.get(draw.commit);
      if (job === undefined) continue;
      if (beacon === undefined) {
        this.#draws.push(draw);
        continue;
      }
      const { epoch, id } = job;
      const request = {
        chainId: SIM_CHAIN,
        epoch,
        parameters: this.#parameters,
        modality: 0,
        beacon,
        job: id,
      };
      const shard = drawShard({ ...request, attempt: draw.attempt });
      if (!shard.ok) continue;
      job.shard = shard.value;
      if (job.phase === "paid") job.phase = "drawn";
      drawn.push(job);
    }
    return drawn;
  }
}
