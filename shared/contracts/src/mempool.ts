import { bcs, byteString } from "@soma/codec";
import { BLOCK_LIMITS, MAX_TRANSACTION_BYTES } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload, rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { hex32, u32 } from "./fields.ts";

/** Offers a signed transaction (its canonical bytes) for inclusion. */
export const SubmitTransaction = defineMessage({
  name: "mempool.submit-transaction",
  version: 1,
  owner: "mempool",
  from: ["gateway", "consensus"],
  subject: ["mempool", "submit-transaction"],
  payload: rawPayload,
  maxBytes: MAX_TRANSACTION_BYTES,
  delivery: {
    kind: "request",
    reply: z.discriminatedUnion("accepted", [
      z.strictObject({ accepted: z.literal(true), digest: hex32, known: z.boolean() }),
      z.strictObject({ accepted: z.literal(false), code: z.string(), message: z.string() }),
    ]),
  },
  doc: "Asks for a transaction's admission; the answer is admission or a refusal with a stable code.",
});

/** Takes transactions for the next own block; they come back if no commit carries them in time. */
export const TakeBatch = defineMessage({
  name: "mempool.take-batch",
  version: 1,
  owner: "mempool",
  from: ["consensus"],
  subject: ["mempool", "take-batch"],
  payload: z.strictObject({ maxTransactions: u32, maxBytes: u32 }),
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.vector(byteString), BLOCK_LIMITS.bytes),
    replyMaxBytes: BLOCK_LIMITS.bytes,
  },
  doc: "Consensus asks for a batch of admitted transactions to propose.",
});
