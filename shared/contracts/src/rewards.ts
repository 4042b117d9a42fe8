import { bcs, byteString, bytes32, u64 } from "@soma/codec";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";

const MAX_SETTLEMENT_BYTES = 900 * 1024;
/** Largest encoded `SettlementInput` that a request takes: what frames it is left. */
export const MAX_SETTLEMENT_INPUT_BYTES = MAX_SETTLEMENT_BYTES - 64;

/** DESIGN section 4: state asks, rewards answers, state checks the digest and the supply. */
export const SettleEpoch = defineMessage({
  name: "rewards.settle-epoch",
  version: 1,
  owner: "rewards",
  from: ["state"],
  subject: ["rewards", "settle-epoch"],
  payload: bcsPayload(
    bcs.struct("SettleEpoch", { epoch: u64, inputDigest: bytes32, input: byteString }),
    MAX_SETTLEMENT_BYTES,
  ),
  maxBytes: MAX_SETTLEMENT_BYTES,
  delivery: {
    kind: "request",
    reply: bcsPayload(
      bcs.struct("EpochSettled", { epoch: u64, inputDigest: bytes32, settlement: byteString }),
      MAX_SETTLEMENT_BYTES,
    ),
    replyMaxBytes: MAX_SETTLEMENT_BYTES,
  },
  doc: "State asks for an epoch's settlement inside its closing commit.",
});
