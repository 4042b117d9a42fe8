import { proofDeadline, revealDeadline, selectDeadline } from "../context.ts";
import type { EncoderEffect } from "../effect.ts";
import type { EncoderJob } from "../job.ts";
import { postCommitWhenAlone } from "./commit.ts";
import {
  postEvaluationWhenUncounted,
  postUnavailableWhenMissing,
  requestEvaluation,
  sendEvaluation,
} from "./evaluate.ts";
import { answer, fetchItems, optOut, requestInference } from "./offer.ts";
import { proveInTurn } from "./prove.ts";
import { otherChosen, postRevealWhenLeftOut, reveal } from "./reveal.ts";
import { answeredWithin, chain, type JobView, post, type Turn, turned } from "./turn.ts";

/** What the passing of commits asks of a job: deadlines first, then what was owed for too long (GAME-9). */
export function upkeep(view: JobView, job: EncoderJob): Turn {
  return chain(
    job,
    (next) => giveUpOnData(view, next),
    (next) => postOptOutAgain(view, next),
    (next) => postCommitWhenAlone(view, next),
    (next) => postRevealWhenLeftOut(view, next),
    (next) => proveInTurn(view, next),
    (next) => postUnavailableWhenMissing(view, next),
    (next) => postEvaluationWhenUncounted(view, next),
    (next) => remind(view, next),
  );
}

/** Reminders after which inference or evaluation is asked for again: until then the work queue's own repeat does. */
const PATIENCE = 3;
/** Commits between two reminders at most. */
const REMIND_MOST = 64n;

/** Sends again what is owed, after a pause that doubles: messages are lost on the way. */
function remind(view: JobView, job: EncoderJob): Turn {
  if (job.offer === null || view.head < job.remindAt) return turned(job);
  const doubled = answeredWithin(view.context.parameters) << BigInt(Math.min(job.reminders + 1, 8));
  const pause = doubled < REMIND_MOST ? doubled : REMIND_MOST;
  const next = { ...job, remindAt: view.head + pause, reminders: job.reminders + 1 };
  const hasFailed = job.fault !== null || job.missing.length > 0;
  return owed(view, next, hasFailed || next.reminders >= PATIENCE);
}

/**
 * Everything that this encoder owes others in the job's present state, as if none of it had left yet;
 * `asksWorkers` also asks its own workers again.
 */
export function owed(view: JobView, job: EncoderJob, asksWorkers: boolean): Turn {
  const asked = asksWorkers ? askWorkers(view, job) : turned(job);
  return turned(asked.job, ...messagesOwed(view, asked.job), ...asked.effects);
}

function messagesOwed(view: JobView, job: EncoderJob): EncoderEffect[] {
  if (job.phase === "drawn") {
    return [...answer(view, job), ...(job.stage === "fetching" ? fetchItems(job) : [])];
  }
  if (job.phase === "selected") return reveal(view, job);
  // Who has not evaluated yet may lack our address; who has, our signature.
  if (job.phase === "bundled") {
    const evaluated = new Set(job.partials.map((partial) => partial.encoder));
    const waiting = otherChosen(view, job).filter((encoder) => !evaluated.has(encoder));
    return [...reveal(view, job, waiting), ...sendEvaluation(view, job)];
  }
  // Whoever the proof does not count must still evaluate, or it is slashed (GAME-8).
  const late = job.unanswered.filter((encoder) => encoder !== view.context.encoder);
  return late.length === 0 ? [] : reveal(view, job, late);
}

function askWorkers(view: JobView, job: EncoderJob): Turn {
  if (job.phase === "drawn") return job.stage === "embedding" ? requestInference(view, job) : turned(job);
  // After a proof that came without our signature, an evaluation is still owed.
  const owesEvaluation = job.phase === "bundled" || (job.phase === "closed" && !job.answered);
  return owesEvaluation ? requestEvaluation(view, job) : turned(job);
}

/** GAME-2: what may be the address's fault becomes an opt-out when half of the selection's time is over. */
function giveUpOnData(view: JobView, job: EncoderJob): Turn {
  if (job.phase !== "drawn" || job.fault === null || job.own !== null) return turned(job);
  const half = job.drawnAt + BigInt(Math.floor(view.context.parameters.selectTimeout / 2));
  return view.head < half ? turned(job) : optOut(view, job, job.fault);
}

function postOptOutAgain(view: JobView, job: EncoderJob): Turn {
  if (job.phase !== "drawn" || job.optOut === null) return turned(job);
  return post(job, view.head, "PostOptOut", { PostOptOut: { optOut: job.optOut } });
}

/** Whether nothing more can be owed or asked of the job, ever. */
export function isOver(view: JobView, job: EncoderJob): boolean {
  if (job.phase !== "closed") {
    // The ledger closes or redraws every job; one that it forgot without our seeing it must not stay for ever.
    const longest = selectDeadline(view.context, job) + revealTime(view) + proofTime(view);
    return job.drawnAt !== 0n && view.head > longest + BigInt(view.context.parameters.selectTimeout) * 4n;
  }
  if (job.selectedAt !== 0n && view.head <= revealDeadline(view.context, job)) return false;
  return job.bundledAt === 0n || view.head > proofDeadline(view.context, job);
}

function revealTime(view: JobView): bigint {
  return BigInt(view.context.parameters.revealTimeout);
}

function proofTime(view: JobView): bigint {
  return BigInt(view.context.parameters.proofTimeout);
}
