import { fromHex, SomaError, toHex } from "@soma/base";
import { encode } from "@soma/codec";
import { type Genesis, type LedgerUpdate, ReceiptLinkCodec, type VerifiedFacts } from "@soma/protocol";
import type { GatewayClient } from "./gateway-client.ts";
import type { JobJournal } from "./job-journal.ts";
import { LedgerFollower } from "./ledger-follower.ts";
import { pause } from "./waiting.ts";

/** Milliseconds that one question may wait for the next checkpoint. */
const WAIT_MS = 2_000;
/** Ledger updates that no gateway has yet are asked for again after this. */
const ASK_AGAIN_MS = 250;

/** The light client of a job: where its journal left it; at the present, if nothing was paid yet that it must see. */
export async function openJobFollower(
  client: GatewayClient,
  genesis: Genesis,
  journal: JobJournal,
): Promise<LedgerFollower> {
  const { light, payment } = journal.state;
  const saved = light === null ? {} : { saved: fromHex(light) };
  const follower = LedgerFollower.open({ client, genesis, waitMs: WAIT_MS, ...saved });
  if (light !== null && payment !== null) return follower;
  for (const link of await follower.skipToPresent()) {
    const { sequence } = link.certificate.checkpoint;
    journal.state.links[String(sequence)] = toHex(encode(ReceiptLinkCodec, link));
  }
  journal.state.light = toHex(follower.save());
  journal.save();
  return follower;
}

/** Gives every checkpoint's proven facts to `take`, in order. @throws SomaError JOB_STOPPED after `stop` */
export async function followJob(
  follower: LedgerFollower,
  take: (facts: VerifiedFacts, update: LedgerUpdate) => void,
  stop: AbortSignal,
): Promise<never> {
  while (!stop.aborted) {
    const asked = performance.now();
    const proven = await follower.next();
    for (const { facts, update } of proven) take(facts, update);
    // A gateway need not wait as it is asked to.
    if (proven.length === 0 && performance.now() - asked < ASK_AGAIN_MS) await pause(ASK_AGAIN_MS, stop);
  }
  throw new SomaError("JOB_STOPPED", "stopped");
}
