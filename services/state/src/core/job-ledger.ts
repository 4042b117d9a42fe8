import { err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import type {
  Address,
  Digest,
  EpochInfo,
  LedgerEventInput,
  Parameters,
  TransactionKind,
} from "@soma/protocol";
import type { Agenda } from "./agenda.ts";
import { jobOf } from "./game/apply.ts";
import type { GameContext, GameEffect } from "./game/context.ts";
import type { Job } from "./game/job.ts";
import type { JobPayment } from "./game/pay.ts";
import { accountOf, burn, changeHead, credit, debit, headOf } from "./money.ts";
import { recordStandings } from "./performance.ts";
import { due, epochs, jobs, proven } from "./records.ts";
import type { LedgerRules } from "./rules.ts";
import { slashStake } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** What jobs need of the commit being executed. */
export interface JobSurroundings {
  readonly chainId: string;
  readonly parameters: Parameters;
  readonly verifier: SignatureVerifier;
  readonly rules: LedgerRules;
  readonly commit: bigint;
  readonly beacon: Digest;
  readonly agenda: Agenda;
}

/** What became of a job in a step that ended it. */
export interface JobEffects {
  readonly events: LedgerEventInput[];
  /** Jobs whose record is gone, in their last state. */
  readonly over: Job[];
}

function contextOf(surroundings: JobSurroundings, epoch: EpochInfo): GameContext {
  return { ...surroundings, epoch };
}

/** GAME-1. Refusals: JOB_EXISTS, JOB_CROWDED and those of `payForJob`. */
export function openJob(
  store: KeyedStore,
  surroundings: JobSurroundings,
  payer: Address,
  id: Digest,
  request: JobPayment["request"],
): Result<JobEffects> {
  if (jobs.get(store, id) !== undefined) return err("JOB_EXISTS", "the job exists");
  const { agenda, parameters } = surroundings;
  if (agenda.paid >= parameters.jobsPerCommit) {
    return err("JOB_CROWDED", `a commit takes ${parameters.jobsPerCommit} jobs, and had them already`);
  }
  const epoch = epochs.get(store, numberKey(headOf(store).epoch))!;
  const { balance } = accountOf(store, payer);
  const step = surroundings.rules.payForJob(contextOf(surroundings, epoch), { id, payer, balance, request });
  if (!step.ok) return step;
  agenda.paid += 1;
  debit(store, payer, step.value.job.escrow);
  jobs.put(store, step.value.job, id);
  return ok(carryOut(store, surroundings, step.value.job, step.value.effects));
}

/** Any other transaction about a job. Refusals: JOB_UNKNOWN and those of the game. */
export function playJobTransaction(
  store: KeyedStore,
  surroundings: JobSurroundings,
  sender: Address,
  kind: TransactionKind,
): Result<JobEffects> {
  const id = jobOf(kind);
  const job = id === undefined ? undefined : jobs.get(store, id);
  if (job === undefined) return err("JOB_UNKNOWN", "no such open job");
  const epoch = epochs.get(store, numberKey(job.epoch))!;
  const step = surroundings.rules.applyToJob(contextOf(surroundings, epoch), job, kind, sender);
  if (!step.ok) return step;
  jobs.put(store, step.value.job, job.id);
  return ok(carryOut(store, surroundings, step.value.job, step.value.effects));
}

/** What the deadlines of a commit did. */
export interface PassedDeadlines {
  /** The events of several jobs each, to stand in leaves of bounded size; those of one job stand together. */
  readonly leaves: readonly (readonly LedgerEventInput[])[];
  readonly over: readonly Job[];
}

/** A leaf is full with this many events, and ends with the job whose events filled it (ADR 0023). */
const LEAF_EVENTS = 256;

/** GAME-9: what the commit's passing does to the jobs that asked to be looked at. */
export function passDeadlines(store: KeyedStore, surroundings: JobSurroundings): PassedDeadlines {
  surroundings.agenda.keep(store);
  const leaves: LedgerEventInput[][] = [];
  const over: Job[] = [];
  const key = numberKey(surroundings.commit);
  const ids = due.get(store, key);
  if (ids === undefined) return { leaves, over };
  due.delete(store, key);
  for (const id of [...new Set(ids)].sort()) {
    const job = jobs.get(store, id);
    if (job === undefined) continue;
    const epoch = epochs.get(store, numberKey(job.epoch))!;
    const step = surroundings.rules.reachDeadline(contextOf(surroundings, epoch), job);
    jobs.put(store, step.job, id);
    const effects = carryOut(store, surroundings, step.job, step.effects);
    over.push(...effects.over);
    if (effects.events.length === 0) continue;
    const leaf = leaves.at(-1);
    if (leaf === undefined || leaf.length >= LEAF_EVENTS) leaves.push(effects.events);
    else leaf.push(...effects.events);
  }
  surroundings.agenda.keep(store);
  return { leaves, over };
}

function carryOut(
  store: KeyedStore,
  surroundings: JobSurroundings,
  job: Job,
  effects: readonly GameEffect[],
): JobEffects {
  const events: LedgerEventInput[] = [];
  const over: Job[] = [];
  for (const effect of effects) {
    switch (effect.kind) {
      case "pay":
        credit(store, effect.to, effect.amount);
        break;
      case "burn":
        burn(store, effect.amount, false);
        break;
      case "slash": {
        const amount = slashStake(store, surroundings.parameters, {
          role: "encoder",
          operator: effect.encoder,
          bps: effect.bps,
          cap: effect.cap,
          epoch: job.epoch,
          bringer: effect.bringer,
        });
        events.push({
          Slashed: { operator: effect.encoder, amount, cause: effect.cause, job: job.id },
        });
        break;
      }
      case "proven": {
        const { provenJobs } = headOf(store);
        proven.put(store, { winner: effect.winner, burned: effect.burned }, numberKey(provenJobs));
        changeHead(store, { provenJobs: provenJobs + 1n });
        break;
      }
      case "standings":
        recordStandings(store, effect.standings);
        break;
      case "event":
        events.push(effect.event);
        break;
      case "wake":
        surroundings.agenda.wake(effect.commit, job.id);
        break;
      case "forget":
        jobs.delete(store, job.id);
        over.push(job);
        break;
    }
  }
  return { events, over };
}
