import { bcs, u32 as bcsU32, bytes32, u64 } from "@soma/codec";
import { CertifiedCheckpointCodec, EpochHandoverCodec } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { amount, hex32, hexBytes, u32 } from "./fields.ts";

// What light clients and receipts ask for: each answer is proven, or leads to what proves it.

/** Hand-overs from an epoch on, for light clients: bounded pages. */
export const GetHandovers = defineMessage({
  name: "state.get-handovers",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-handovers"],
  payload: z.strictObject({ fromEpoch: amount, limit: z.int().min(1).max(32) }),
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.vector(EpochHandoverCodec), 960 * 1024),
    replyMaxBytes: 960 * 1024,
  },
  doc: "Asks for epoch hand-overs out of `fromEpoch` and the following ones.",
});

/** A transaction's effects with their proof once a certified checkpoint covers them. */
export const GetTransaction = defineMessage({
  name: "state.get-transaction",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-transaction"],
  payload: z.strictObject({ digest: hex32 }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      status: z.enum(["unknown", "executed", "certified"]),
      commit: amount.nullable(),
      refusal: z.string().nullable(),
      bytes: hexBytes().nullable(),
      /** BCS of its `CheckpointLeaf`, and the way to the checkpoint's effects root. */
      leaf: hexBytes().nullable(),
      leafIndex: u32.nullable(),
      path: z.array(hexBytes(32)).nullable(),
      checkpoint: amount.nullable(),
    }),
    replyMaxBytes: 960 * 1024,
  },
  doc: "Asks for a transaction's effects and proof.",
});

/** A certified checkpoint by its number, or the newest. */
export const GetCheckpoint = defineMessage({
  name: "state.get-checkpoint",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-checkpoint"],
  payload: z.strictObject({ sequence: amount.nullable() }),
  delivery: { kind: "request", reply: bcsPayload(bcs.option(CertifiedCheckpointCodec), 64 * 1024) },
  doc: "Asks for a certified checkpoint; null asks for the newest.",
});

export const ProvenLeafCodec = bcs.struct("ProvenLeaf", {
  checkpoint: u64,
  leaf: bcs.byteVector(),
  leafIndex: bcsU32,
  path: bcs.vector(bytes32),
});
/** A leaf's bytes with the way to its checkpoint's effects root. */
export type ProvenLeaf = typeof ProvenLeafCodec.$inferType;

/** A commit's leaf (beacon, timestamp) with its proof. */
export const GetCommitLeaf = defineMessage({
  name: "state.get-commit-leaf",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-commit-leaf"],
  payload: z.strictObject({ commit: amount }),
  delivery: {
    kind: "request",
    reply: bcsPayload(bcs.option(ProvenLeafCodec), 64 * 1024),
  },
  doc: "Asks for the leaf of a commit, which proves its beacon.",
});

/** A ledger update for a light client: one part of the `LedgerUpdate`s of one checkpoint. */
export const GetLedgerUpdate = defineMessage({
  name: "state.get-ledger-update",
  version: 1,
  owner: "state",
  from: ["gateway"],
  subject: ["state", "get-ledger-update"],
  payload: z.strictObject({ sequence: amount, part: u32 }),
  delivery: {
    kind: "request",
    reply: bcsPayload(
      bcs.option(bcs.struct("LedgerUpdatePart", { parts: bcs.u16(), update: bcs.byteVector() })),
      1024 * 1024,
    ),
    replyMaxBytes: 1024 * 1024,
  },
  doc: "Asks for the update that takes a light client over one checkpoint; none if it is not certified yet.",
});
