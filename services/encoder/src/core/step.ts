import { accepted, rejected, type Stepped } from "@soma/actor";
import { err, type Result } from "@soma/base";
import type { EncoderContext } from "./context.ts";
import type { EncoderEffect } from "./effect.ts";
import { foldLedger } from "./fold-ledger.ts";
import type { EncoderInput } from "./input.ts";
import type { EncoderJob } from "./job.ts";
import { commitTo } from "./rules/commit.ts";
import { takeEvaluated, takeEvaluationFailure, takePartial } from "./rules/evaluate.ts";
import { takeFetched, takeInferenceFailure, takeOffer } from "./rules/offer.ts";
import { proveInTurn } from "./rules/prove.ts";
import { takeReveal } from "./rules/reveal.ts";
import { chain, type JobView, type Turn } from "./rules/turn.ts";
import { owed } from "./rules/upkeep.ts";
import {
  EARLY_JOBS,
  EARLY_MESSAGES,
  type EarlyMessage,
  type EncoderState,
  epochOf,
  KEPT_EPOCHS,
} from "./state.ts";

type MessageInput = Extract<EncoderInput, { kind: "message" }>;

/**
 * One encoder across all of its jobs: GAME from the encoder's side. It acts on proven facts of the ledger alone;
 * messages only bring what the ledger's facts can check, and never change what is evaluated or paid.
 */
export function step(
  context: EncoderContext,
  state: EncoderState,
  input: EncoderInput,
): Stepped<EncoderState, EncoderEffect> {
  switch (input.kind) {
    case "ledger": {
      const folded = foldLedger(context, state, input.facts);
      return replayEarly(context, folded.state, folded.effects);
    }
    case "epoch": {
      if (epochOf(state, input.info.epoch) !== undefined) return accepted(state);
      const epochs = [...state.epochs, input.info].sort((a, b) => (a.epoch < b.epoch ? -1 : 1));
      return accepted({ ...state, epochs: epochs.slice(-KEPT_EPOCHS) });
    }
    case "message":
      return takeMessage(context, state, input);
    case "items-fetched":
      return onJob(context, state, input.job, (view, job) => takeFetched(view, job, input));
    case "embedded":
      return onJob(context, state, input.job, (view, job) => commitTo(view, job, input));
    case "inference-failed":
      return onJob(context, state, input.job, (view, job) => takeInferenceFailure(view, job, input));
    case "evaluated":
      return onJob(context, state, input.job, (view, job) =>
        proving(view, takeEvaluated(view, job, input.result)),
      );
    case "evaluation-failed":
      return onJob(context, state, input.job, (view, job) => takeEvaluationFailure(view, job, input));
    case "resumed":
      return resume(context, state);
  }
}

/** What a rule may look at; undefined while the job's epoch is not known. */
export function viewOf(context: EncoderContext, state: EncoderState, job: EncoderJob): JobView | undefined {
  const epoch = epochOf(state, job.epoch);
  return epoch === undefined ? undefined : { context, epoch, head: state.head };
}

function onJob(
  context: EncoderContext,
  state: EncoderState,
  id: string,
  rule: (view: JobView, job: EncoderJob) => Result<Turn>,
): Stepped<EncoderState, EncoderEffect> {
  const job = state.jobs.get(id);
  const view = job && viewOf(context, state, job);
  if (job === undefined || view === undefined) return rejected(state, "JOB_UNKNOWN");
  const turn = rule(view, job);
  if (!turn.ok) return rejected(state, turn.code);
  return accepted(withJob(state, turn.value.job), turn.value.effects);
}

function withJob(state: EncoderState, job: EncoderJob): EncoderState {
  return { ...state, jobs: new Map(state.jobs).set(job.id, job) };
}

function proving(view: JobView, turn: Result<Turn>): Result<Turn> {
  if (!turn.ok) return turn;
  const proved = chain(turn.value.job, (job) => proveInTurn(view, job));
  return { ok: true, value: { job: proved.job, effects: [...turn.value.effects, ...proved.effects] } };
}

/** Codes of messages for which the ledger may only be a little behind: they wait instead. */
const EARLY_CODES: ReadonlySet<string> = new Set([
  "JOB_UNKNOWN",
  "OFFER_PHASE",
  "OFFER_ATTEMPT",
  "OFFER_SEAT",
  "REVEAL_PHASE",
  "EVALUATION_PHASE",
]);

function takeMessage(
  context: EncoderContext,
  state: EncoderState,
  input: MessageInput,
): Stepped<EncoderState, EncoderEffect> {
  const taken = onJob(context, state, input.relayed.job, (view, job) => judge(view, job, input));
  if (taken.verdict.kind !== "reject" || !EARLY_CODES.has(taken.verdict.code)) return taken;
  if (state.jobs.get(input.relayed.job)?.phase === "closed") return taken;
  return { ...taken, state: keepEarly(state, { ...input, head: state.head }) };
}

function judge(view: JobView, job: EncoderJob, { relayed, sender, at }: MessageInput): Result<Turn> {
  const { message, mailbox } = relayed;
  switch (message.$kind) {
    case "Offer":
      if (message.Offer.offer.job !== job.id) return err("MESSAGE_JOB", "an offer of another job");
      return takeOffer(view, job, message.Offer, mailbox, at);
    case "Reveal":
      if (message.Reveal.reveal.reveal.job !== job.id) return err("MESSAGE_JOB", "a reveal of another job");
      return takeReveal(view, job, message.Reveal, sender);
    case "Evaluation":
      if (message.Evaluation.message.job !== job.id) return err("MESSAGE_JOB", "of another job");
      return proving(view, takePartial(view, job, message.Evaluation, sender));
    case "Receipt":
    case "Commit":
    case "OptOut":
      return err("MESSAGE_KIND", "these go to the submitter");
  }
}

function keepEarly(state: EncoderState, message: EarlyMessage): EncoderState {
  const { job } = message.relayed;
  const kept = state.early.get(job) ?? [];
  // A sender's later message of a kind replaces its earlier one.
  const others = kept.filter(
    (one) => one.sender !== message.sender || one.relayed.message.$kind !== message.relayed.message.$kind,
  );
  if (others.length >= EARLY_MESSAGES) return state;
  const early = new Map(state.early);
  if (!early.has(job) && early.size >= EARLY_JOBS) early.delete(early.keys().next().value!);
  early.set(job, [...others, message]);
  return { ...state, early };
}

/** Gives the messages that waited to the jobs that are further now. What is still early stays. */
function replayEarly(
  context: EncoderContext,
  folded: EncoderState,
  before: readonly EncoderEffect[],
): Stepped<EncoderState, EncoderEffect> {
  let state = folded;
  const effects = [...before];
  for (const messages of folded.early.values()) {
    for (const message of messages) {
      const without = dropEarly(state, message);
      const taken = takeMessage(context, without, { ...message, kind: "message" });
      const isEarly = taken.verdict.kind === "reject" && EARLY_CODES.has(taken.verdict.code);
      // It keeps the head of its first arrival, by which it is dropped in the end.
      state = isEarly ? keepAgain(without, message) : taken.state;
      effects.push(...taken.effects);
    }
  }
  return accepted(state, effects);
}

function dropEarly(state: EncoderState, message: EarlyMessage): EncoderState {
  const { job } = message.relayed;
  const rest = (state.early.get(job) ?? []).filter((one) => one !== message);
  const early = new Map(state.early);
  if (rest.length === 0) early.delete(job);
  else early.set(job, rest);
  return { ...state, early };
}

function keepAgain(state: EncoderState, message: EarlyMessage): EncoderState {
  const { job } = message.relayed;
  return { ...state, early: new Map(state.early).set(job, [...(state.early.get(job) ?? []), message]) };
}

function resume(context: EncoderContext, state: EncoderState): Stepped<EncoderState, EncoderEffect> {
  let next = state;
  const effects: EncoderEffect[] = [];
  for (const job of state.jobs.values()) {
    const view = viewOf(context, state, job);
    if (view === undefined || job.offer === null) continue;
    const turn = owed(view, job, true);
    next = withJob(next, turn.job);
    effects.push(...turn.effects);
  }
  return accepted(next, effects);
}
