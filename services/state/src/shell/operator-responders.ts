import { err, ok, type Result } from "@soma/base";
import { encode } from "@soma/codec";
import { DraftOverride, type HaltView, StateStatus } from "@soma/contracts";
import { OverrideCodec, type ResolutionInput, settlementInputDigest } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { type Ledger, settlementInput } from "../core/index.ts";
import type { Certifier } from "./certifier.ts";
import type { CommitQueue } from "./commit-queue.ts";
import type { Halt, SafeMode } from "./safe-mode.ts";

/** Answers status pages and the operator's commands. */
export async function respondToOperator(options: {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly certifier: Certifier;
  readonly queue: CommitQueue;
  readonly safeMode: SafeMode;
}): Promise<void> {
  const { bus, ledger, certifier, queue, safeMode } = options;
  await bus.respond(StateStatus, {}, () => {
    const { epoch, commit } = ledger.settledHead;
    const { chainId } = ledger;
    const halt = safeMode.halt === null ? null : haltView(safeMode.halt);
    return ok({ chainId, epoch, commit, certified: certifier.certified, waiting: queue.length, halt });
  });
  await bus.respond(DraftOverride, {}, ({ omit }) => {
    const { halt } = safeMode;
    if (halt === null)
      return err("OVERRIDE_NO_HALT", "the ledger is not halted: there is nothing to override");
    const resolution = draftResolution(ledger, halt, omit);
    if (!resolution.ok) return resolution;
    const { epoch, commit, commitDigest, stateDigest } = halt;
    const draft = { epoch, commit, commitDigest, stateDigest, resolution: resolution.value };
    return ok(encode(OverrideCodec, draft));
  });
}

export function haltView(halt: Halt): HaltView {
  const { since, ...view } = halt;
  return { ...view, ageMs: Math.round(performance.now() - since) };
}

/** Without these transactions; or a settlement that pays nobody, so that all of the emission stays in the pool. */
function draftResolution(ledger: Ledger, halt: Halt, omit: readonly string[]): Result<ResolutionInput> {
  if (halt.stage === "execution") return ok({ Execute: { omit: [...omit], entries: [] } });
  if (omit.length > 0)
    return err("OVERRIDE_STAGE", "the commit is executed: no transaction of it can be left out");
  const input = settlementInput(ledger);
  if (input === null) return err("OVERRIDE_NO_HALT", "no epoch awaits its settlement");
  const settlement = {
    epoch: input.epoch,
    input: settlementInputDigest(ledger.chainId, input),
    minted: (input.unminted * input.emissionFraction) >> 128n,
    payments: [],
    pools: [],
  };
  return ok({ Settle: { settlement, entries: [] } });
}
