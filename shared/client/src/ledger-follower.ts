import { type Result, SomaError } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import {
  applyRun,
  applyUpdate,
  decodeLedgerUpdate,
  type Genesis,
  type LedgerUpdate,
  LightClient,
  type ReceiptLink,
  type VerifiedFacts,
} from "@soma/protocol";
import type { GatewayClient } from "./gateway-client.ts";

export interface FollowerOptions {
  readonly client: GatewayClient;
  readonly genesis: Genesis;
  /** Bytes of `save()` from an earlier run. */
  readonly saved?: Uint8Array;
  /** Milliseconds that one question may wait for the next checkpoint. */
  readonly waitMs?: number;
}

/**
 * Follows the ledger as a light client (LEDGER-6) over any of several gateways: hand-overs from the genesis to
 * the current epoch, then each checkpoint's update. What it returns is proven; a gateway that lies is only slow.
 */
export class LedgerFollower {
  readonly light: LightClient;
  readonly #client: GatewayClient;
  readonly #waitMs: number;

  private constructor(light: LightClient, options: FollowerOptions) {
    this.light = light;
    this.#client = options.client;
    this.#waitMs = options.waitMs ?? 10_000;
  }

  /** @throws SomaError FOLLOWER_GENESIS, or what the hand-overs are refused with. */
  static open(options: FollowerOptions): LedgerFollower {
    const light =
      options.saved === undefined
        ? LightClient.fromGenesis(options.genesis, nativeVerifier)
        : LightClient.restore(options.saved, options.genesis, nativeVerifier);
    if (!light.ok)
      throw new SomaError(light.code, `the genesis or saved state cannot be used: ${light.message}`);
    return new LedgerFollower(light.value, options);
  }

  save(): Uint8Array {
    return this.light.save();
  }

  /** Sequence of the checkpoint that `next` waits for; 1 at the very beginning. */
  get nextSequence(): bigint {
    return (this.light.head?.sequence ?? 0n) + 1n;
  }

  /**
   * Moves to the present without reading what happened on the way: hand-overs, then the newest checkpoint.
   * For those who need only what comes. Returns the hand-overs, which a receipt needs.
   * @throws SomaError FOLLOWER_HANDOVER, if a gateway repeats one; and what is refused
   */
  async skipToPresent(): Promise<ReceiptLink[]> {
    const links = await this.#takeHandovers();
    const newest = await this.#client.checkpoint();
    const { epoch } = this.light.epoch;
    const isNews = newest !== undefined && newest.checkpoint.sequence >= this.nextSequence;
    if (!isNews || newest.checkpoint.epoch !== epoch || newest.checkpoint.nextEpoch !== null) return links;
    const taken = this.light.checkpoint(newest);
    if (!taken.ok) throw new SomaError(taken.code, `a gateway's checkpoint: ${taken.message}`);
    return links;
  }

  /**
   * Moves to the state after checkpoint `sequence` without reading what happened on the way, so that `next` gives
   * the one after it. For those who need the past from some point on. @throws SomaError FOLLOWER_PAST, if it is behind;
   * FOLLOWER_HANDOVER
   */
  async skipTo(sequence: bigint): Promise<void> {
    if (sequence + 1n < this.nextSequence) {
      throw new SomaError("FOLLOWER_PAST", `checkpoint ${sequence} is before ${this.nextSequence}`);
    }
    await this.#takeHandovers(sequence);
    if (sequence + 1n === this.nextSequence) return;
    const certified = await this.#client.checkpoint(sequence);
    if (certified === undefined) {
      throw new SomaError("FOLLOWER_CHECKPOINT", `the gateway has no checkpoint ${sequence}`);
    }
    const taken = this.light.checkpoint(certified);
    if (!taken.ok) throw new SomaError(taken.code, `a gateway's checkpoint: ${taken.message}`);
  }

  /** The next checkpoint's facts, part by part with the update that proves them; none if there was none in time. */
  async next(): Promise<{ facts: VerifiedFacts; update: LedgerUpdate }[]> {
    return (await this.#updates(1)).map((update) => ({
      facts: unrefused(applyUpdate(this.light, update)),
      update,
    }));
  }

  /**
   * The facts of at most `most` checkpoints that follow, part by part, for those who look from time to time: what is there
   * already is proven by one signature for each epoch (`applyRun`). None if there was none in time.
   */
  async nextRun(most: number): Promise<VerifiedFacts[]> {
    // Until the light client has seen one it may begin with any, so that there is nothing to follow.
    const updates = await this.#updates(this.light.head === undefined ? 1 : most);
    const proven: VerifiedFacts[] = [];
    for (const run of runsOf(updates)) proven.push(...unrefused(applyRun(this.light, run)));
    return proven;
  }

  async #updates(most: number): Promise<LedgerUpdate[]> {
    const parts = await this.#client.ledgerUpdates(this.nextSequence, this.#waitMs, most);
    // Nothing new, or a gateway that is behind: another one tells which.
    if (parts === undefined) this.#client.http.moveOn();
    return (parts ?? []).map((bytes) => unrefused(decodeLedgerUpdate(bytes)));
  }

  /** Hand-overs from here to the present, or up to checkpoint `last`; each question must bring the ledger's epoch on. */
  async #takeHandovers(last?: bigint): Promise<ReceiptLink[]> {
    const links: ReceiptLink[] = [];
    for (;;) {
      const page = await this.#client.handovers(this.light.epoch.epoch);
      const wanted = page.filter(
        ({ certificate }) => last === undefined || certificate.checkpoint.sequence <= last,
      );
      for (const handover of wanted) {
        // The light client takes one again that it knows, so that a gateway could go on with it for ever.
        if (handover.info.epoch <= this.light.epoch.epoch) {
          this.#client.http.moveOn();
          throw new SomaError(
            "FOLLOWER_HANDOVER",
            `a gateway repeats the hand-over to epoch ${handover.info.epoch}`,
          );
        }
        const taken = this.light.handover(handover);
        if (!taken.ok) throw new SomaError(taken.code, `a gateway's hand-over: ${taken.message}`);
        links.push({ certificate: handover.certificate, nextEpoch: handover.info });
      }
      if (wanted.length === 0 || wanted.length < page.length) return links;
    }
  }
}

/** Each ends with its epoch: only who knows the next committee can prove what follows. */
function runsOf(updates: readonly LedgerUpdate[]): LedgerUpdate[][] {
  const runs: LedgerUpdate[][] = [];
  let closed: bigint | undefined;
  let run: LedgerUpdate[] = [];
  for (const update of updates) {
    const { sequence } = update.certificate.checkpoint;
    if (run.length === 0 || (closed !== undefined && sequence !== closed)) {
      run = [];
      runs.push(run);
      closed = undefined;
    }
    run.push(update);
    if (update.nextEpoch !== null) closed = sequence;
  }
  return runs;
}

function unrefused<T>(result: Result<T>): T {
  if (!result.ok) throw new SomaError(result.code, `a gateway's ledger update: ${result.message}`);
  return result.value;
}
