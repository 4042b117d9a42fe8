import { bytesEqual } from "@soma/base";
import { commitHash, decodeSignedTransaction } from "@soma/protocol";
import { LEDGER_RULES } from "@soma/state/core";
import {
  asking,
  isSigner,
  ledger,
  restoreSeats,
  revealsOf,
  seeing,
  trusting,
  within,
  withParameters,
  withSeats,
  withShardOf,
} from "./mutant-kit.ts";
import type { Deviation } from "./world.ts";

/** A named mistake in the ledger, in an encoder or in a light client: one rule replaced on every operator at once. */
export interface NetworkMutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rule: string;
  /** Made anew for every run. */
  readonly deviation: () => Deviation;
}

const { authorise, punishEquivocation, payForJob, applyToJob, reachDeadline } = LEDGER_RULES;

export const NETWORK_MUTANTS: readonly NetworkMutant[] = [
  {
    name: "expired transaction executed",
    rule: "LEDGER-1",
    deviation: ledger({
      authorise: (store, chainId, carried) => {
        const done = authorise(store, chainId, carried);
        return !done.ok && done.code === "TX_EXPIRED" ? decodeSignedTransaction(carried.bytes) : done;
      },
    }),
  },
  {
    name: "sequence number not checked",
    rule: "LEDGER-1",
    deviation: ledger({
      authorise: (store, chainId, carried) => {
        const done = authorise(store, chainId, carried);
        return !done.ok && done.code === "SEQUENCE_STALE" ? decodeSignedTransaction(carried.bytes) : done;
      },
    }),
  },
  {
    name: "account's signature not checked",
    rule: "LEDGER-3",
    deviation: () => ({ signaturesUnchecked: true }),
  },
  { name: "base fee not burned", rule: "ECON-2", deviation: ledger({ burnFee: () => {} }) },
  {
    name: "base fee burned twice",
    rule: "ECON-2",
    deviation: ledger({
      burnFee: (store, fee) => {
        LEDGER_RULES.burnFee(store, fee);
        LEDGER_RULES.burnFee(store, fee);
      },
    }),
  },
  {
    name: "evidence accepted for one block",
    rule: "CONS-13",
    deviation: ledger({
      punishEquivocation: (store, evidence) => {
        if (!bytesEqual(evidence.first, evidence.second)) return punishEquivocation(store, evidence);
        const second = Uint8Array.from(evidence.second);
        second[second.length - 1]! ^= 1;
        const verifier = trusting(evidence.verifier, { ed25519: () => true });
        return punishEquivocation(store, { ...evidence, second, verifier });
      },
    }),
  },
  {
    name: "evidence need not be signed",
    rule: "CONS-13",
    deviation: ledger({
      punishEquivocation: (store, evidence) =>
        punishEquivocation(store, {
          ...evidence,
          verifier: trusting(evidence.verifier, { ed25519: () => true }),
        }),
    }),
  },
  {
    name: "a byte too much is escrowed",
    rule: "GAME-1",
    deviation: ledger({
      payForJob: (context, payment) =>
        payForJob(context, {
          ...payment,
          request: { ...payment.request, sizeBytes: payment.request.sizeBytes + 1n },
        }),
    }),
  },
  {
    name: "shard drawn from the payment's own beacon",
    rule: "SHARD-3",
    deviation: () => {
      const beacons = new Map<string, string>();
      return {
        ledgerRules: {
          payForJob: (context, payment) => {
            beacons.set(payment.id, context.beacon);
            return payForJob(context, payment);
          },
          reachDeadline: (context, job) =>
            reachDeadline({ ...context, beacon: beacons.get(job.id) ?? context.beacon }, job),
        },
      };
    },
  },
  {
    name: "every attempt's shard drawn as the first one's",
    rule: "SHARD-3",
    deviation: ledger({
      reachDeadline: (context, job) => {
        const step = reachDeadline(context, job);
        if (step.job.attempt === job.attempt) return step;
        const first = reachDeadline(context, {
          ...job,
          phase: "paid",
          attempt: 0,
          deadline: context.commit,
        });
        const { shard, quorum } = first.job;
        return { job: { ...step.job, shard, quorum }, effects: withShardOf(first, step.effects) };
      },
    }),
  },
  {
    name: "selection below the quorum",
    rule: "GAME-4",
    deviation: seeing(
      (job, kind) => (kind.$kind === "SelectCommits" ? { ...job, quorum: 1 } : job),
      (next, job) => ({ ...next, quorum: job.quorum }),
    ),
  },
  {
    name: "selection replaced",
    rule: "GAME-4",
    deviation: seeing((job, kind) =>
      kind.$kind === "SelectCommits" && job.phase === "selected"
        ? { ...job, phase: "drawn", selection: null, chosen: [] }
        : job,
    ),
  },
  {
    name: "equivocating submitter refunded",
    rule: "GAME-4",
    deviation: asking((effects, { job }) =>
      job.outcome === "Voided"
        ? effects.map((effect) =>
            effect.kind === "burn" ? { kind: "pay", to: job.payer, amount: effect.amount } : effect,
          )
        : effects,
    ),
  },
  {
    name: "reveal not checked against its commit",
    rule: "GAME-5",
    deviation: seeing(
      (job, kind, { chainId }) => ({
        ...job,
        chosen: job.chosen.map((entry) => {
          const signed = revealsOf(kind).find(({ reveal }) => reveal.encoder === entry.encoder);
          if (signed === undefined) return entry;
          const hash = commitHash(chainId, entry.encoder, job.id, signed.reveal.embeddingDigest);
          return { ...entry, commitHash: hash };
        }),
      }),
      (next, job) => ({
        ...next,
        chosen: next.chosen.map((entry, i) => ({
          ...entry,
          commitHash: job.chosen[i]?.commitHash ?? entry.commitHash,
        })),
      }),
    ),
  },
  {
    name: "reveal's signature not checked",
    rule: "GAME-5",
    deviation: ledger({
      applyToJob: (context, job, kind, sender) => {
        const verifier = trusting(context.verifier, { ed25519: () => true });
        return applyToJob(
          kind.$kind === "PostReveal" ? { ...context, verifier } : context,
          job,
          kind,
          sender,
        );
      },
    }),
  },
  {
    name: "silent about the reveal and not slashed",
    rule: "GAME-5",
    deviation: asking((effects) =>
      effects.filter((effect) => effect.kind !== "slash" || effect.cause !== "reveal"),
    ),
  },
  {
    name: "bundle of fewer than two thirds",
    rule: "GAME-6",
    deviation: seeing((job, kind) => {
      if (kind.$kind !== "PostBundle") return job;
      const listed = new Set(kind.PostBundle.reveals.map(({ reveal }) => reveal.encoder));
      return {
        ...job,
        chosen: withSeats(job.chosen, ({ encoder, seats }) => (listed.has(encoder) ? seats : 0)),
      };
    }, restoreSeats),
  },
  {
    name: "proof signed by a third",
    rule: "GAME-8",
    deviation: seeing((job, kind) => {
      if (kind.$kind !== "FinalProof") return job;
      const { signers } = kind.FinalProof;
      return { ...job, chosen: withSeats(job.chosen, ({ seats }, i) => (isSigner(signers, i) ? seats : 0)) };
    }, restoreSeats),
  },
  {
    name: "proof's aggregate not checked",
    rule: "GAME-8",
    deviation: within((context) => ({
      ...context,
      verifier: trusting(context.verifier, { bls: () => true }),
    })),
  },
  {
    name: "job paid twice",
    rule: "GAME-8",
    deviation: seeing((job, kind) =>
      kind.$kind === "FinalProof" && job.phase === "closed" ? { ...job, phase: "bundled" } : job,
    ),
  },
  { name: "nothing of the fee is burned", rule: "ECON-3", deviation: withParameters({ jobBurnBps: 0 }) },
  {
    name: "absent signer not slashed",
    rule: "GAME-8",
    deviation: asking((effects) =>
      effects.filter((effect) => effect.kind !== "slash" || effect.cause !== "no-signature"),
    ),
  },
  {
    name: "slashed twice for one cause",
    rule: "ECON-8",
    deviation: seeing(
      (job) => ({ ...job, slashed: [] }),
      (next, job) => ({ ...next, slashed: [...job.slashed, ...next.slashed] }),
    ),
  },
  {
    name: "selection's deadline off by one",
    rule: "GAME-9",
    deviation: ledger({
      reachDeadline: (context, job) => {
        if (job.phase !== "drawn" || context.commit !== job.deadline) return reachDeadline(context, job);
        const commit = job.deadline + 1n;
        return { job: { ...job, deadline: commit }, effects: [{ kind: "wake", commit }] };
      },
    }),
  },
  {
    name: "reveals' deadline off by one",
    rule: "GAME-9",
    deviation: ledger({
      applyToJob: (context, job, kind, sender) => {
        const { parameters } = context;
        const later = { ...parameters, revealTimeout: parameters.revealTimeout + 1 };
        return applyToJob({ ...context, parameters: later }, job, kind, sender);
      },
    }),
  },
  {
    name: "proof's deadline off by one",
    rule: "GAME-9",
    deviation: ledger({
      applyToJob: (context, job, kind, sender) => {
        const { parameters } = context;
        const later = { ...parameters, proofTimeout: parameters.proofTimeout + 1 };
        return applyToJob({ ...context, parameters: later }, job, kind, sender);
      },
    }),
  },
  {
    name: "opt-out counted as commit",
    rule: "GAME-9",
    deviation: ledger({
      reachDeadline: (context, job) => {
        const others = job.optOuts.map(({ encoder }) => ({ encoder, commitHash: "00".repeat(32) }));
        return reachDeadline(context, { ...job, posted: [...job.posted, ...others] });
      },
    }),
  },
  {
    name: "escrow not returned",
    rule: "GAME-9",
    deviation: asking((effects, { job }) =>
      effects.filter((effect) => effect.kind !== "pay" || effect.to !== job.payer),
    ),
  },
  {
    name: "escrow burned instead of returned",
    rule: "GAME-9",
    deviation: asking((effects, { job }) =>
      effects.map((effect) =>
        effect.kind === "pay" && effect.to === job.payer ? { kind: "burn", amount: effect.amount } : effect,
      ),
    ),
  },
  { name: "refund without its cost", rule: "GAME-9", deviation: withParameters({ refundFeeBps: 0 }) },
  { name: "bad data costs nothing", rule: "GAME-9", deviation: withParameters({ badDataShareBps: 0 }) },
  {
    name: "light client takes any certificate",
    rule: "LEDGER-6",
    deviation: () => ({ trustsValidators: true }),
  },
  {
    name: "encoder forgets what it committed to",
    rule: "GAME-3",
    deviation: () => ({ forgetsCommits: true }),
  },
  { name: "encoder reveals with its commit", rule: "GAME-5", deviation: () => ({ revealsAtOnce: true }) },
  {
    name: "override taken without a quorum",
    rule: "DESIGN-4",
    deviation: () => ({ overridesUnchecked: true }),
  },
];
