import { drawShard, type LedgerEvent, type VerifiedFacts } from "@soma/protocol";
import type { EncoderContext } from "./context.ts";
import type { EncoderEffect } from "./effect.ts";
import type { EncoderJob } from "./job.ts";
import { bundled, closed, drawn, executed, paidJob, selected } from "./rules/ledger-facts.ts";
import { chain, type JobView, type Turn, turned } from "./rules/turn.ts";
import { isOver, upkeep } from "./rules/upkeep.ts";
import { EARLY_COMMITS, type EncoderState, epochOf, KEPT_BEACONS, KEPT_EPOCHS } from "./state.ts";

/** What the ledger did in one transaction or deadline. */
interface Happening {
  readonly commit: bigint;
  readonly events: readonly LedgerEvent[];
  readonly transaction: VerifiedFacts["transactions"][number] | null;
}

/** Takes the facts of one part of a checkpoint: every job moves, then does what the passing of commits asks. */
export function foldLedger(
  context: EncoderContext,
  before: EncoderState,
  facts: VerifiedFacts,
): { state: EncoderState; effects: EncoderEffect[] } {
  const head = facts.checkpoint.commitIndex;
  const beacons = new Map(before.beacons);
  for (const commit of facts.commits) beacons.set(commit.index, commit.beacon);
  while (beacons.size > KEPT_BEACONS) beacons.delete(beacons.keys().next().value!);
  const jobs = new Map(before.jobs);
  const effects: EncoderEffect[] = [];

  const turn = (job: EncoderJob, rule: (view: JobView, job: EncoderJob) => Turn): void => {
    const epoch = epochOf(before, job.epoch);
    if (epoch === undefined) return;
    const made = rule({ context, epoch, head }, job);
    jobs.set(job.id, made.job);
    effects.push(...made.effects);
  };

  for (const happening of inOrder(facts)) {
    addPaid(context, jobs, happening, facts.checkpoint.epoch);
    const kind = happening.transaction?.signed.transaction.kind;
    const touched = new Set(happening.events.flatMap((event) => jobOfEvent(event) ?? []));
    const about = kind && jobOfKind(kind);
    if (about !== undefined) touched.add(about);
    for (const id of touched) {
      const job = jobs.get(id);
      if (job === undefined) continue;
      turn(job, (view, current) =>
        chain(
          current,
          (next) => (kind === undefined ? turned(next) : executed(view, next, kind)),
          ...happening.events
            .filter((event) => jobOfEvent(event) === id)
            .map((event) => (next: EncoderJob) => applyEvent(view, next, event, happening)),
          // A selection may follow in the same update.
          (next) => drawWhenKnown(view, next, beacons),
        ),
      );
    }
  }
  for (const job of [...jobs.values()]) turn(job, (view, current) => drawWhenKnown(view, current, beacons));
  for (const job of [...jobs.values()]) turn(job, upkeep);
  for (const job of [...jobs.values()]) {
    const epoch = epochOf(before, job.epoch);
    // A job of an epoch that is no longer kept is long past every deadline.
    if (epoch !== undefined && !isOver({ context, epoch, head }, job)) continue;
    jobs.delete(job.id);
    effects.push({ kind: "forget", job: job.id });
  }
  const early = new Map(
    [...before.early].flatMap(([job, messages]) => {
      const fresh = messages.filter((message) => head - message.head <= EARLY_COMMITS);
      return fresh.length === 0 ? [] : [[job, fresh] as const];
    }),
  );
  const epochs = facts.nextEpoch === null ? before.epochs : withEpoch(before, facts.nextEpoch);
  return { state: { head, epochs, beacons, jobs, early }, effects };
}

function withEpoch(state: EncoderState, info: EncoderState["epochs"][number]): EncoderState["epochs"] {
  if (epochOf(state, info.epoch) !== undefined) return state.epochs;
  return [...state.epochs, info].slice(-KEPT_EPOCHS);
}

/** Executed transactions and deadlines by commit, a commit's transactions before its deadlines. */
function inOrder(facts: VerifiedFacts): Happening[] {
  const transactions = facts.transactions
    .filter(({ leaf }) => leaf.refusal === "")
    .map(
      (transaction): Happening => ({
        commit: transaction.leaf.commit,
        events: transaction.leaf.events,
        transaction,
      }),
    );
  const deadlines = facts.deadlines.map(
    ({ commit, events }): Happening => ({
      commit,
      events,
      transaction: null,
    }),
  );
  return [...transactions, ...deadlines].sort((a, b) => {
    if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
    return Number(a.transaction === null) - Number(b.transaction === null);
  });
}

function addPaid(
  context: EncoderContext,
  jobs: Map<string, EncoderJob>,
  { transaction, commit, events }: Happening,
  epoch: bigint,
): void {
  const kind = transaction?.signed.transaction.kind;
  if (transaction === null || kind?.$kind !== "GenerateEmbeddings") return;
  const id = transaction.leaf.digest;
  if (jobs.has(id) || !events.some((event) => event.$kind === "JobPaid")) return;
  if (!context.modalities.includes(kind.GenerateEmbeddings.modality)) return;
  const payer = transaction.signed.transaction.sender;
  jobs.set(id, paidJob(id, payer, kind.GenerateEmbeddings, { epoch, commit }));
}

function applyEvent(view: JobView, job: EncoderJob, event: LedgerEvent, happening: Happening): Turn {
  const kind = happening.transaction?.signed.transaction.kind;
  switch (event.$kind) {
    case "ShardDrawn":
      return drawn(view, job, event.ShardDrawn.attempt, event.ShardDrawn.commit);
    case "JobSelected":
      return kind?.$kind === "SelectCommits"
        ? selected(view, job, kind.SelectCommits, event.JobSelected.selection, happening.commit)
        : turned(job);
    case "JobBundled": {
      const reveals = kind?.$kind === "PostBundle" ? kind.PostBundle.reveals : null;
      return bundled(view, job, reveals, event.JobBundled.bundle, happening.commit);
    }
    case "JobClosed":
      return closed(view, job, event);
    default:
      return turned(job);
  }
}

/** SHARD-3: computes the attempt's shard once the beacon of its commit is proven. */
function drawWhenKnown(view: JobView, job: EncoderJob, beacons: ReadonlyMap<bigint, string>): Turn {
  if (job.phase !== "drawn" || job.beacon !== null) return turned(job);
  const beacon = beacons.get(job.drawnAt);
  if (beacon === undefined) return turned(job);
  const shard = drawShard({
    chainId: view.context.chainId,
    epoch: view.epoch,
    parameters: view.context.parameters,
    modality: job.modality,
    beacon,
    job: job.id,
    attempt: job.attempt,
  });
  if (!shard.ok) return turned(job, { kind: "alarm", job: job.id, code: shard.code });
  const members = [...shard.value.seatsOf].map(([encoder, seats]) => ({ encoder, seats }));
  return turned({ ...job, beacon, shard: members.sort((a, b) => (a.encoder < b.encoder ? -1 : 1)) });
}

function jobOfEvent(event: LedgerEvent): string | undefined {
  switch (event.$kind) {
    case "JobPaid":
      return event.JobPaid.job;
    case "ShardDrawn":
      return event.ShardDrawn.job;
    case "JobSelected":
      return event.JobSelected.job;
    case "JobBundled":
      return event.JobBundled.job;
    case "JobClosed":
      return event.JobClosed.job;
    default:
      return undefined;
  }
}

function jobOfKind(
  kind: VerifiedFacts["transactions"][number]["signed"]["transaction"]["kind"],
): string | undefined {
  switch (kind.$kind) {
    case "PostOptOut":
      return kind.PostOptOut.optOut.optOut.job;
    case "PostCommit":
      return kind.PostCommit.commit.commit.job;
    case "PostReveal":
      return kind.PostReveal.reveal.reveal.job;
    case "PostEvaluation":
      return kind.PostEvaluation.evaluation.message.job;
    case "PostUnavailable":
      return kind.PostUnavailable.unavailable.unavailable.job;
    case "FinalProof":
      return kind.FinalProof.result.job;
    default:
      return undefined;
  }
}
