import { ok, type Result } from "@soma/base";
import type { EpochInfo, Hex32, JobMessageInput, TransactionKindInput } from "@soma/protocol";
import type { EncoderContext } from "../context.ts";
import type { EncoderEffect } from "../effect.ts";
import type { EncoderJob, Post } from "../job.ts";

/** What a rule about one job may look at beside the job. */
export interface JobView {
  readonly context: EncoderContext;
  /** Facts of the epoch in which the job was paid. */
  readonly epoch: EpochInfo;
  /** The last proven commit. */
  readonly head: bigint;
}

/** What a rule made of a job. */
export interface Turn {
  readonly job: EncoderJob;
  readonly effects: readonly EncoderEffect[];
}

export function turned(job: EncoderJob, ...effects: readonly EncoderEffect[]): Turn {
  return { job, effects };
}

export function taken(job: EncoderJob, ...effects: readonly EncoderEffect[]): Result<Turn> {
  return ok({ job, effects });
}

/** Runs rules one after another on what the one before made. */
export function chain(job: EncoderJob, ...rules: readonly ((job: EncoderJob) => Turn)[]): Turn {
  let current = job;
  const effects: EncoderEffect[] = [];
  for (const rule of rules) {
    const turn = rule(current);
    current = turn.job;
    effects.push(...turn.effects);
  }
  return { job: current, effects };
}

/** A message to the submitter's mailboxes, and to `peers` beside them. */
export function sendTo(
  job: EncoderJob,
  message: JobMessageInput,
  peers: readonly Hex32[] = [],
): EncoderEffect[] {
  return [{ kind: "send", job: job.id, mailboxes: job.mailboxes, peers, message }];
}

/** Commits after which a transaction that the ledger does not show is sent again, and how often. */
const POST_AGAIN = 24n;
const POST_TIMES = 3;

/** Sends a transaction unless the ledger shows it, or it was sent lately or often enough. */
export function post(
  job: EncoderJob,
  head: bigint,
  name: Exclude<Post, "FinalProof">,
  transaction: TransactionKindInput,
): Turn {
  const marked = markPost(job, head, name);
  if (marked === null) return turned(job);
  return turned(marked, { kind: "submit", job: job.id, post: name, transaction });
}

/** The job with the post counted; null when it is not to be sent now. */
export function markPost(job: EncoderJob, head: bigint, name: Post): EncoderJob | null {
  const sent = job.posts.find((entry) => entry.post === name);
  if (sent === undefined) {
    return { ...job, posts: [...job.posts, { post: name, at: head, times: 1, seen: false }] };
  }
  if (sent.seen || sent.times >= POST_TIMES || head < sent.at + POST_AGAIN) return null;
  const again = { ...sent, at: head, times: sent.times + 1 };
  return { ...job, posts: job.posts.map((entry) => (entry.post === name ? again : entry)) };
}

/** The ledger shows the post: it is not sent again. */
export function seePost(job: EncoderJob, head: bigint, name: Post): EncoderJob {
  const rest = job.posts.filter((entry) => entry.post !== name);
  const times = job.posts.find((entry) => entry.post === name)?.times ?? 0;
  return { ...job, posts: [...rest, { post: name, at: head, times, seen: true }] };
}

/** The job in a new stage of its life, in which nothing was sent again yet. */
export function entered({ context, head }: JobView, job: EncoderJob): EncoderJob {
  return { ...job, remindAt: head + answeredWithin(context.parameters), reminders: 0 };
}

/** Commits of `answeredWithin` where the deadlines leave the time for it, and the least. */
const ANSWERED_WITHIN = 16;
const ANSWERED_WITHIN_LEAST = 4;

/**
 * Commits after which what was sent counts as lost: an undisturbed transaction needs that many into a commit, a
 * checkpoint and back as a proof. Sooner, reminders and the proofs of those next in turn only add to the load under
 * which the first is late. A twelfth of the shortest window where that is less.
 */
export function answeredWithin(
  parameters: Pick<EncoderContext["parameters"], "selectTimeout" | "revealTimeout" | "proofTimeout">,
): bigint {
  const { selectTimeout, revealTimeout, proofTimeout } = parameters;
  const twelfth = Math.floor(Math.min(selectTimeout, revealTimeout, proofTimeout) / 12);
  return BigInt(Math.min(ANSWERED_WITHIN, Math.max(ANSWERED_WITHIN_LEAST, twelfth)));
}
