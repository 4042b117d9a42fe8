import { err, type Result } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { MAX_SETTLEMENT_INPUT_BYTES, SettleEpoch } from "@soma/contracts";
import {
  type Settlement,
  SettlementCodec,
  type SettlementInput,
  SettlementInputCodec,
  type SignedOverride,
  settlementInputDigest,
} from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import {
  applySettlement,
  type Ledger,
  overrideSettlement,
  type SettledEpoch,
  settlementPoint,
} from "../core/index.ts";
import type { Halts } from "./halts.ts";
import type { Overrides } from "./overrides.ts";
import type { SafeMode } from "./safe-mode.ts";

const MAX_SETTLEMENT_BYTES = 900 * 1024;
const LONGEST_PAUSE_MS = 5_000;
/** Rewards did not answer, which says nothing of the epoch. */
const NO_ANSWER = /^REQUEST_/;

export interface EpochSettlementOptions {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly overrides: Overrides;
  readonly halts: Halts;
  readonly safeMode: SafeMode;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long rewards may be silent before the ledger counts as halted. */
  readonly patienceMs: number;
}

/** How an epoch was settled. */
export interface Settled {
  readonly done: SettledEpoch;
  /** The override that settled it here and now; null if rewards did, or one that was kept for it. */
  readonly by: SignedOverride | null;
}

/**
 * DESIGN section 4: asks rewards until it settles the epoch in a way that the ledger takes, or an override does. No commit
 * is executed meanwhile.
 */
export class EpochSettlement {
  readonly #o: EpochSettlementOptions;

  constructor(options: EpochSettlementOptions) {
    this.#o = options;
  }

  /** Undefined if the service is stopped first. */
  async settle(input: SettlementInput): Promise<Settled | undefined> {
    const { ledger, overrides, halts, safeMode, signal, log, patienceMs } = this.#o;
    const point = settlementPoint(ledger);
    const known = overrides.of(point.commit, "settlement");
    const began = performance.now();
    for (let pause = 50; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const applied = known === undefined ? await this.#ask(input) : overrideSettlement(ledger, known);
      if (applied.ok) {
        safeMode.leave(null);
        return { done: applied.value, by: null };
      }
      const { code, message: reason } = applied;
      log.warn({ epoch: String(input.epoch), code, reason }, "the epoch is not settled yet");
      const isRefused = !NO_ANSWER.test(code);
      if (isRefused || performance.now() - began >= patienceMs) safeMode.enter(point, applied);
      await overrides.wait(pause);
      const overridden = await halts.attempt(async ({ override }) => overrideSettlement(ledger, override));
      if (overridden !== undefined) return overridden;
    }
    return undefined;
  }

  async #ask(input: SettlementInput): Promise<Result<SettledEpoch>> {
    const { bus, ledger } = this.#o;
    const bytes = encode(SettlementInputCodec, input);
    if (bytes.length > MAX_SETTLEMENT_INPUT_BYTES) {
      return err("SETTLEMENT_TOO_LARGE", `${bytes.length} bytes are more than a request takes`);
    }
    const inputDigest = settlementInputDigest(ledger.chainId, input);
    const request = { epoch: input.epoch, inputDigest, input: bytes };
    const settlement = await ask(bus, request);
    return settlement.ok ? applySettlement(ledger, settlement.value) : settlement;
  }
}

async function ask(
  bus: Bus,
  request: { epoch: bigint; inputDigest: string; input: Uint8Array },
): Promise<Result<Settlement>> {
  const answer = await bus.request(SettleEpoch, {}, request);
  if (!answer.ok) return answer;
  if (answer.value.inputDigest !== request.inputDigest) {
    return err("SETTLEMENT_INPUT", "rewards settled another input");
  }
  return decodeExact(SettlementCodec, answer.value.settlement, MAX_SETTLEMENT_BYTES);
}
