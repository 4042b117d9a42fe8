import { accepted, deferred, rejected, type Stepped } from "@soma/actor";
import { assertNever } from "@soma/base";
import { FaultBoundBroken } from "./committer.ts";
import type { ConsensusEffect } from "./effect.ts";
import type { EpochEngine } from "./epoch-engine.ts";
import type { ConsensusInput } from "./input.ts";
import type { ConsensusState } from "./state.ts";
import { StepOutput } from "./step-output.ts";

type Outcome = { readonly refusal: string } | { readonly deferMs: number } | "accepted";

/** What waits for a predecessor comes back after this many milliseconds. */
const DEFER_MS = 200;

/**
 * One input of the consensus actor (CONS-1 to CONS-11, CONS-13, RAND-1). Total: whatever peers send, it refuses, defers
 * or accepts. After a `fatal` effect it refuses everything.
 */
export function step(state: ConsensusState, input: ConsensusInput): Stepped<ConsensusState, ConsensusEffect> {
  if (state.isHalted) return rejected(state, "CONSENSUS_HALTED");
  state.wallMs = input.wallMs;
  const out = new StepOutput();
  let outcome: Outcome;
  try {
    outcome = dispatch(state, input, out);
  } catch (error) {
    if (!(error instanceof FaultBoundBroken)) throw error;
    out.fatal("CONSENSUS_FAULT_BOUND", error.message);
    outcome = "accepted";
  }
  state.isHalted = out.isFatal;
  if (outcome === "accepted") return accepted(state, out.effects());
  if ("refusal" in outcome) return rejected(state, outcome.refusal, out.effects());
  return deferred(state, outcome.deferMs, out.effects());
}

function dispatch(state: ConsensusState, input: ConsensusInput, out: StepOutput): Outcome {
  if (input.kind === "recovered") {
    if (state.engine !== null) return { refusal: "CONSENSUS_ALREADY_RECOVERED" };
    state.recover(input, input.nowMs, out);
    return "accepted";
  }
  const { engine } = state;
  if (engine === null) return { deferMs: DEFER_MS };
  const { nowMs } = input;
  switch (input.kind) {
    case "epoch-opened":
      return openEpoch(state, engine, input, out);
    case "blocks-received":
      return orRefusal(engine.receive(input.from, input.blocks, nowMs, out));
    case "own-block-signed":
      return orRefusal(engine.ownBlockSigned(input.block, nowMs, out));
    case "transactions-available": {
      const offered = state.queue.offer(input.transactions);
      if (offered === "too-large") return { refusal: "CONSENSUS_TRANSACTION_TOO_LARGE" };
      return offered === "full" ? { deferMs: DEFER_MS } : "accepted";
    }
    case "tick":
      engine.tick(nowMs, out);
      return "accepted";
    case "blocks-requested": {
      const { from: to, epoch, refs } = input;
      const serving = state.engineOf(epoch);
      const limited = refs.slice(0, state.options.bounds.blocksPerRequest);
      const found = serving?.serve(limited) ?? { blocks: [], stored: limited };
      out.emit({ kind: "serve-blocks", to, epoch, ...found });
      return "accepted";
    }
    case "own-round-requested": {
      // Of the present epoch alone: an asker that takes it for recovered there may still sign in the next one.
      if (input.epoch !== engine.context.epoch) return { refusal: "CONSENSUS_EPOCH_UNKNOWN" };
      const report = engine.reportOwnRound(input.from);
      if (report === null) return { refusal: "CONSENSUS_EPOCH_BEHIND" };
      out.emit({ kind: "report-own-round", to: input.from, epoch: input.epoch, ...report });
      return "accepted";
    }
    case "own-round-reported":
      if (input.epoch !== engine.context.epoch) return { refusal: "CONSENSUS_EPOCH_UNKNOWN" };
      return orRefusal(engine.ownRoundReported(input.from, input, nowMs, out));
    case "commits-requested": {
      const limit = Math.min(input.limit, engine.context.parameters.commitBatch);
      out.emit({ kind: "serve-commits", to: input.from, after: input.after, limit });
      return "accepted";
    }
    case "commits-received":
      return orRefusal(engine.commitsReceived(input, nowMs, out));
    case "commit-certified":
      if (input.epoch !== engine.context.epoch) return { refusal: "CONSENSUS_EPOCH_UNKNOWN" };
      engine.commitCertified(input, nowMs, out);
      return "accepted";
    default:
      return assertNever(input);
  }
}

function openEpoch(
  state: ConsensusState,
  engine: EpochEngine,
  input: ConsensusInput & { kind: "epoch-opened" },
  out: StepOutput,
): Outcome {
  const { info } = input;
  const { snapshot } = engine.dag.sequence;
  if (info.epoch <= engine.context.epoch) return "accepted";
  if (info.epoch > engine.context.epoch + 1n || !snapshot.closed) return { deferMs: DEFER_MS };
  if (info.lastCommit !== snapshot.index || info.seed !== snapshot.beacon) {
    out.fatal("CONSENSUS_DIVERGED", `epoch ${info.epoch} was opened after another last commit`);
    return { refusal: "CONSENSUS_EPOCH_MISMATCH" };
  }
  state.open(input, engine, input.nowMs, out);
  return "accepted";
}

function orRefusal(refusal: string | null): Outcome {
  return refusal === null ? "accepted" : { refusal };
}
