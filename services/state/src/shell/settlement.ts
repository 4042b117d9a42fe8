import { err, type Result } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { SettleEpoch } from "@soma/contracts";
import {
  type Settlement,
  SettlementCodec,
  type SettlementInput,
  SettlementInputCodec,
  settlementInputDigest,
} from "@soma/protocol";
import { type Bus, sleep } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";

const MAX_SETTLEMENT_BYTES = 900 * 1024;
const LONGEST_PAUSE_MS = 5_000;

/**
 * DESIGN section 4: asks rewards until it settles the epoch in a way that the ledger takes. No commit is executed
 * meanwhile. Undefined if the service is stopped first.
 */
export async function settle<T>(
  options: {
    readonly bus: Bus;
    readonly chainId: string;
    readonly log: Logger;
    readonly signal: AbortSignal;
    /** Applies it; what it refuses is asked for again. */
    readonly apply: (settlement: Settlement) => Result<T>;
  },
  input: SettlementInput,
): Promise<T | undefined> {
  const { bus, chainId, log, signal, apply } = options;
  const request = {
    epoch: input.epoch,
    inputDigest: settlementInputDigest(chainId, input),
    input: encode(SettlementInputCodec, input),
  };
  for (let pause = 50; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const settlement = await ask(bus, request);
    const applied = settlement.ok ? apply(settlement.value) : settlement;
    if (applied.ok) return applied.value;
    log.warn(
      { epoch: String(input.epoch), code: applied.code, reason: applied.message },
      "the epoch is not settled yet",
    );
    await sleep(pause, signal);
  }
  return undefined;
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
