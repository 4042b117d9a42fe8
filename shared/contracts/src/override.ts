import { MAX_OVERRIDE_BYTES } from "@soma/protocol";
import { z } from "zod";
import { rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32, millis, u32 } from "./fields.ts";

/** The NATS user of an operator's own commands: no service. */
export const OPERATOR = "operator";

/** Why a ledger cannot go on, and where: what an override must name (shared/docs/protocol/override.md). */
export const HaltSchema = z.strictObject({
  stage: z.enum(["execution", "settlement"]),
  code: z.string(),
  message: z.string(),
  epoch: amount,
  commit: amount,
  commitDigest: hex32,
  stateDigest: hex32,
  /** Milliseconds since this process halted. */
  ageMs: millis,
});
export type HaltView = z.output<typeof HaltSchema>;

/** Where the executor stands, for status pages and for operators. */
export const StateStatus = defineMessage({
  name: "state.get-status",
  version: 1,
  owner: "state",
  from: ["gateway", OPERATOR],
  subject: ["state", "get-status"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      chainId: z.string(),
      epoch: amount,
      commit: amount,
      /** Sequence number of the last certified checkpoint. */
      certified: amount,
      /** Commits that wait for execution. */
      waiting: u32,
      halt: HaltSchema.nullable(),
    }),
  },
  doc: "Asks where the executor stands, and why it halted if it did.",
});

/** An override for the present halt, unsigned. */
export const DraftOverride = defineMessage({
  name: "state.draft-override",
  version: 1,
  owner: "state",
  from: [OPERATOR],
  subject: ["state", "draft-override"],
  payload: z.strictObject({ omit: z.array(hex32).max(512) }),
  delivery: { kind: "request", reply: rawPayload, replyMaxBytes: MAX_OVERRIDE_BYTES },
  doc: "Asks a halted state for an override (BCS): without these transactions, or a settlement that pays nobody.",
});

/** An override with its signatures. */
export const SubmitOverride = defineMessage({
  name: "state.submit-override",
  version: 1,
  owner: "state",
  from: [OPERATOR],
  subject: ["state", "submit-override"],
  payload: rawPayload,
  maxBytes: MAX_OVERRIDE_BYTES,
  delivery: {
    kind: "request",
    reply: z.strictObject({ outcome: z.enum(["applied", "kept", "known"]) }),
  },
  doc: "Hands a signed override (BCS) to state, which applies it or keeps it for its commit, and tells the others.",
});
