import { setTimeout as pause } from "node:timers/promises";
import { SomaError } from "@soma/base";
import { GatewayClient, LedgerFollower } from "@soma/client";
import {
  decodeSignedTransaction,
  type Genesis,
  genesisParameters,
  type Hex32,
  type JobId,
} from "@soma/protocol";
import { type JobEnd, JobStory, type StoryLine } from "./job-story.ts";

export interface FollowOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  readonly job: JobId;
  readonly nameOf: (id: Hex32) => string;
  readonly onLine: (line: StoryLine, checkpoint: bigint) => void;
  /** Told once when no gateway helps any more, with why, and once with undefined when one does again. */
  readonly onTrouble: (why: string | undefined) => void;
}

/** Milliseconds that a gateway may wait for the next checkpoint. */
const WAIT_MS = 5_000;
/** Before the gateways are asked again when none helped. */
const AGAIN_MS = 500;
/** After an empty answer: a gateway need not wait as it is asked to. */
const PAUSE_MS = 50;
/** Empty answers in a row after which it is asked whether the updates are still kept. */
const SILENT_ROUNDS = 4;

/**
 * Follows a job from its payment to its end by what the light client proves. A gateway that is gone or lies costs
 * time and no more: the next one goes on from where this one stopped.
 * @throws SomaError CLI_JOB_UNKNOWN, CLI_JOB_KIND, CLI_JOB_REFUSED, CLI_JOB_HISTORY
 */
export async function followJob(options: FollowOptions): Promise<JobEnd> {
  const { client, genesis, job } = options;
  const parameters = genesisParameters(genesis);
  if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
  const trouble = new Trouble(options);
  const before = await trouble.overcome(() => checkpointBefore(client, job));
  const follower = await trouble.overcome(async () => {
    const fresh = LedgerFollower.open({ client, genesis, waitMs: WAIT_MS });
    await fresh.skipTo(before);
    return fresh;
  });
  const story = new JobStory({
    job,
    chainId: genesis.chainId,
    parameters: parameters.value,
    epochInfo: (epoch) => follower.light.epochInfo(epoch),
    nameOf: options.nameOf,
  });
  for (let silent = 0; ; ) {
    const proven = await trouble.overcome(() => follower.next());
    silent = proven.length === 0 ? silent + 1 : 0;
    for (const { facts } of proven)
      for (const line of story.take(facts)) options.onLine(line, facts.checkpoint.sequence);
    if (story.refusal !== undefined) {
      throw new SomaError("CLI_JOB_REFUSED", `the ledger refused the payment: ${story.refusal}`);
    }
    if (story.end !== undefined) return story.end;
    if (silent > 0 && silent % (SILENT_ROUNDS * client.http.gateways.length) === 0) {
      await trouble.overcome(() => checkKept(client, job, follower.nextSequence));
    }
    if (proven.length === 0) await pause(PAUSE_MS);
  }
}

/**
 * A checkpoint that is certified and does not cover the payment yet, as close as one gateway can tell.
 * A gateway that lags does not know the newest jobs, so all are asked before one is called unknown.
 */
async function checkpointBefore(client: GatewayClient, job: JobId): Promise<bigint> {
  let refusal: unknown;
  let answers = 0;
  for (const gateway of client.http.gateways) {
    const one = new GatewayClient({ gateways: [gateway], retries: 0 });
    try {
      // Asked first: what is executed and not certified afterwards comes in a later checkpoint than this.
      const { checkpoint } = await one.head();
      const found = await one.transaction(job);
      answers += 1;
      if (found.status === "unknown") continue;
      if (found.bytes !== null) checkKind(found.bytes);
      return found.checkpoint === null ? checkpoint : found.checkpoint - 1n;
    } catch (error) {
      if (isFinal(error)) throw error;
      refusal = error;
    }
  }
  if (answers === 0) throw refusal;
  throw new SomaError(
    "CLI_JOB_UNKNOWN",
    `the ledger has no job ${job}. A job's id is the digest of its payment, as soma encode --json prints it; a payment that was sent just now may need a second`,
  );
}

function checkKind(bytes: Uint8Array): void {
  const signed = decodeSignedTransaction(bytes);
  if (!signed.ok) return;
  const { $kind } = signed.value.transaction.kind;
  if ($kind !== "GenerateEmbeddings") {
    throw new SomaError("CLI_JOB_KIND", `this is the id of a transaction of kind ${$kind}, not of a job`);
  }
}

/** Gateways keep the updates that followers read for a time only; a job of long ago can be told, but not proven. */
async function checkKept(client: GatewayClient, job: JobId, wanted: bigint): Promise<void> {
  const { checkpoint } = await client.head();
  // A gateway that has just passed the wanted one may still be writing it.
  if (checkpoint < wanted + 16n) return;
  const view = await client.job(job);
  const state = view === null ? "gone" : `${view.state}${view.outcome === null ? "" : `, ${view.outcome}`}`;
  const winner = view?.winner == null ? "" : `, won by ${view.winner}`;
  throw new SomaError(
    "CLI_JOB_HISTORY",
    `no gateway has the proofs of checkpoint ${wanted} any more. Unproven, as the gateway tells it, the job is: ${state}${winner}`,
  );
}

/** Refusals that no other gateway and no later moment mends. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof SomaError)) return true;
  return error.code.startsWith("CLI_") || error.code === "LIGHT_CLIENT_FORK";
}

/** Repeats what gateways did not help with until one does, and tells when that begins and ends. */
class Trouble {
  readonly #options: FollowOptions;
  #isTold = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  async overcome<T>(ask: () => Promise<T>): Promise<T> {
    const { client, onTrouble } = this.#options;
    for (;;) {
      try {
        const answer = await ask();
        if (this.#isTold) onTrouble(undefined);
        this.#isTold = false;
        return answer;
      } catch (error) {
        if (isFinal(error)) throw error;
        const { code, message } = error as SomaError;
        if (!this.#isTold) onTrouble(`${message} (${code})`);
        this.#isTold = true;
        client.http.moveOn();
        await pause(AGAIN_MS);
      }
    }
  }
}
