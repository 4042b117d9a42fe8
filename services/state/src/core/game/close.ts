import type { Amount, Digest, EncoderId, JobOutcomeInput } from "@soma/protocol";
import { event, type GameContext, type GameEffect, type GameStep } from "./context.ts";
import { type Job, seatsOf } from "./job.ts";

const BPS = 10_000n;

/**
 * The one way out of every state: pays `shares` and burns `burned` out of the escrow, gives the rest back to the
 * payer, and states the outcome. What is left in escrow afterwards is nothing.
 */
function close(
  job: Job,
  outcome: (refunded: Amount) => JobOutcomeInput,
  label: string,
  shares: readonly { to: EncoderId; amount: Amount }[],
  burned: Amount,
): GameStep {
  let refunded = job.escrow - burned;
  for (const share of shares) refunded -= share.amount;
  const payments = [...shares, { to: job.payer, amount: refunded }].filter((share) => share.amount > 0n);
  const effects: GameEffect[] = payments.map(({ to, amount }) => ({ kind: "pay", to, amount }));
  if (burned > 0n) effects.push({ kind: "burn", amount: burned });
  effects.push(event({ JobClosed: { job: job.id, outcome: outcome(refunded) } }));
  return { job: { ...job, phase: "closed", escrow: 0n, outcome: label }, effects };
}

/** ECON-3: this part of the fee is burned whenever encoders are paid. */
function burnedFee(context: GameContext, job: Job): Amount {
  return (job.fee * BigInt(context.parameters.jobBurnBps)) / BPS;
}

/** GAME-8: fee (less what is burned) and tip to the winner; late penalties still follow. */
export function settle(context: GameContext, job: Job, winner: EncoderId, evaluation: Digest): GameStep {
  const burned = burnedFee(context, job);
  const paid = job.fee - burned + job.tip;
  const closed = close(
    job,
    () => ({ Settled: { winner, paid, evaluation } }),
    "Settled",
    [{ to: winner, amount: paid }],
    burned,
  );
  return {
    job: { ...closed.job, winner },
    effects: [...closed.effects, { kind: "proven", winner, burned }],
  };
}

/** GAME-9: the final proof says that everybody is disqualified. */
export function closeAllDisqualified(context: GameContext, job: Job): GameStep {
  return close(
    job,
    (refunded) => ({ AllDisqualified: { refunded } }),
    "AllDisqualified",
    [],
    lessPart(context, job),
  );
}

/** GAME-9: no shard came to a quorum of commits in any attempt. */
export function closeUnserved(context: GameContext, job: Job, cause: string): GameStep {
  const step = close(
    job,
    (refunded) => ({ Refunded: { refunded, cause } }),
    `Refunded:${cause}`,
    [],
    lessPart(context, job),
  );
  return forgotten(step);
}

/**
 * ADR 0003: vectors were shown and no result came of it. Half is burned: a submitter with silent friends would
 * else have vectors for a twentieth, and losers who shared the rest would break every job.
 */
export function closeWithoutResult(job: Job, cause: string): GameStep {
  return close(job, (refunded) => ({ Refunded: { refunded, cause } }), `Refunded:${cause}`, [], job.fee / 2n);
}

/** GAME-9: the submitter is gone, and commits of quorum seats stand on the ledger: half the fee by seats. */
export function closeShared(context: GameContext, job: Job): GameStep {
  const holders = job.shard.filter((member) => job.posted.some((post) => post.encoder === member.encoder));
  const seat = job.fee / 2n / BigInt(seatsOf(holders));
  const shares = holders.map(({ encoder, seats }) => ({ to: encoder, amount: seat * BigInt(seats) }));
  const paid = seat * BigInt(seatsOf(holders));
  const step = close(
    job,
    (refunded) => ({ Shared: { paid, refunded } }),
    "Shared",
    shares,
    burnedFee(context, job),
  );
  return forgotten(step);
}

/** GAME-4: two different signed selections; the whole escrow is forfeited and nobody owes anything more. */
export function closeVoided(job: Job): GameStep {
  const step = close(job, () => ({ Voided: { forfeited: job.escrow } }), "Voided", [], job.escrow);
  return forgotten(step);
}

/**
 * GAME-9: a quorum of seats says that the data is bad. The tenth is burned, not shared (ADR 0003): encoders that
 * seldom win would else refuse good data for it.
 */
export function closeBadData(context: GameContext, job: Job): GameStep {
  const burned = (job.fee * BigInt(context.parameters.badDataShareBps)) / BPS;
  const step = close(job, (refunded) => ({ BadData: { paid: 0n, refunded } }), "BadData", [], burned);
  return forgotten(step);
}

function lessPart(context: GameContext, job: Job): Amount {
  return (job.fee * BigInt(context.parameters.refundFeeBps)) / BPS;
}

export function forgotten(step: GameStep): GameStep {
  return { job: step.job, effects: [...step.effects, { kind: "forget" }] };
}
