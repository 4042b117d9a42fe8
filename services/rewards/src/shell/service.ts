import { err, ok } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { defineConfig } from "@soma/config";
import { SettleEpoch } from "@soma/contracts";
import { loadGenesis, OPERATOR_VARIABLES } from "@soma/identity";
import { SettlementCodec, SettlementInputCodec, settlementInputDigest } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { settleEpoch } from "../core/index.ts";

const MAX_INPUT_BYTES = 900 * 1024;

/** Settles epochs for its operator's state (DESIGN section 4). Keeps nothing: the same input gives the same answer. */
export const service = defineService()({
  name: "rewards",
  config: defineConfig("rewards", { genesis: OPERATOR_VARIABLES.genesis }),
  async open({ config, bus, telemetry }) {
    const { chainId } = loadGenesis(config.genesis);
    const settled = telemetry.metrics.counter("rewards.epochs.settled", {
      unit: "{epoch}",
      doc: "Epochs settled, repeats included.",
    });
    const minted = telemetry.metrics.gauge("rewards.minted", {
      unit: "{base_unit}",
      doc: "Minted in the epoch that was settled last.",
    });
    await bus.respond(SettleEpoch, {}, ({ epoch, inputDigest, input: bytes }) => {
      const input = decodeExact(SettlementInputCodec, bytes, MAX_INPUT_BYTES);
      if (!input.ok) return input;
      if (settlementInputDigest(chainId, input.value) !== inputDigest || input.value.epoch !== epoch) {
        return err("REWARDS_INPUT", "the input is not the one that the request names");
      }
      const answer = settleEpoch(chainId, input.value);
      if (!answer.ok) return answer;
      const settlement = answer.value;
      settled.add(1);
      minted.set(Number(settlement.minted));
      telemetry.log.info({ epoch: String(epoch), minted: String(settlement.minted) }, "epoch settled");
      return ok({ epoch, inputDigest, settlement: encode(SettlementCodec, settlement) });
    });
    return {};
  },
});
