import { ok } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import type { SignedReveal, TransactionKind } from "@soma/protocol";
import {
  type Chosen,
  type GameContext,
  type GameEffect,
  type GameStep,
  type Job,
  LEDGER_RULES,
  type LedgerRules,
} from "@soma/state/core";
import type { Deviation } from "./world.ts";

const { payForJob, applyToJob, reachDeadline } = LEDGER_RULES;

type Play = LedgerRules["applyToJob"];

export function ledger(rules: Partial<LedgerRules>): () => Deviation {
  return () => ({ ledgerRules: rules });
}

/** Changes what a job's transactions see, and takes the change back from what they leave. */
export function seeing(
  before: (job: Job, kind: TransactionKind, context: GameContext) => Job,
  after: (next: Job, job: Job) => Job = (next) => next,
): () => Deviation {
  const play: Play = (context, job, kind, sender) => {
    const done = applyToJob(context, before(job, kind, context), kind, sender);
    return done.ok ? ok({ job: after(done.value.job, job), effects: done.value.effects }) : done;
  };
  return ledger({ applyToJob: play });
}

/** Changes the context that jobs are played in. */
export function within(change: (context: GameContext) => GameContext): () => Deviation {
  return ledger({
    payForJob: (context, payment) => payForJob(change(context), payment),
    applyToJob: (context, job, kind, sender) => applyToJob(change(context), job, kind, sender),
    reachDeadline: (context, job) => reachDeadline(change(context), job),
  });
}

export function withParameters(change: Partial<GameContext["parameters"]>): () => Deviation {
  return within((context) => ({ ...context, parameters: { ...context.parameters, ...change } }));
}

/** Changes what a job's steps ask of the ledger. */
export function asking(
  change: (effects: readonly GameEffect[], step: GameStep) => readonly GameEffect[],
): () => Deviation {
  const changed = (step: GameStep): GameStep => ({ job: step.job, effects: change(step.effects, step) });
  return ledger({
    applyToJob: (context, job, kind, sender) => {
      const done = applyToJob(context, job, kind, sender);
      return done.ok ? ok(changed(done.value)) : done;
    },
    reachDeadline: (context, job) => changed(reachDeadline(context, job)),
  });
}

export function trusting(verifier: SignatureVerifier, change: Partial<SignatureVerifier>): SignatureVerifier {
  return { ...verifier, ...change };
}

export function withSeats(chosen: readonly Chosen[], seats: (entry: Chosen, i: number) => number): Chosen[] {
  return chosen.map((entry, i) => ({ ...entry, seats: seats(entry, i) }));
}

export function restoreSeats(next: Job, job: Job): Job {
  const seatsOf = new Map(job.chosen.map(({ encoder, seats }) => [encoder, seats]));
  return { ...next, chosen: withSeats(next.chosen, (entry) => seatsOf.get(entry.encoder) ?? entry.seats) };
}

/** The effects of a draw, with the shard that another step drew. */
export function withShardOf(drawn: GameStep, effects: readonly GameEffect[]): GameEffect[] {
  const shards = drawn.effects.flatMap((effect) =>
    effect.kind === "event" && "ShardDrawn" in effect.event ? [effect.event.ShardDrawn!.shard] : [],
  );
  return effects.map((effect) =>
    effect.kind === "event" && "ShardDrawn" in effect.event && shards[0] !== undefined
      ? { kind: "event", event: { ShardDrawn: { ...effect.event.ShardDrawn!, shard: shards[0] } } }
      : effect,
  );
}

export function revealsOf(kind: TransactionKind): readonly SignedReveal[] {
  if (kind.$kind === "PostBundle") return kind.PostBundle.reveals;
  return kind.$kind === "PostReveal" ? [kind.PostReveal.reveal] : [];
}

export function isSigner(signers: Uint8Array, i: number): boolean {
  return (((signers[i >> 3] ?? 0) >> (i & 7)) & 1) === 1;
}
