import { bcs, byteString, bytes32 } from "@soma/codec";
import { MAX_ENVELOPE_BYTES } from "@soma/protocol";
import { z } from "zod";
import { bcsPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { hex32 } from "./fields.ts";
import { token } from "./subject.ts";

const SendCodec = bcs.struct("Send", {
  /** An operator id, or 32 zero bytes for every peer that may read the type. */
  recipient: bytes32,
  body: byteString,
});

/** Asks peering to sign and send a body to another operator (or all). `type` is a `PeerMessageType`. */
export const SendToPeer = defineMessage({
  name: "peering.send",
  version: 1,
  owner: "peering",
  from: ["consensus", "state", "gateway", "encoder", "scorer"],
  to: ["peering"],
  subject: ["peering", "send", token("type")],
  payload: bcsPayload(SendCodec, MAX_ENVELOPE_BYTES),
  maxBytes: MAX_ENVELOPE_BYTES,
  delivery: { kind: "core" },
  doc: "A service has a body for another operator; peering wraps it in a signed envelope.",
});

const ReceivedCodec = bcs.struct("Received", { sender: bytes32, body: byteString });

/** A verified envelope's body. `sender` is who signed it, never who relayed it. */
export const PeerMessageReceived = defineMessage({
  name: "peering.received",
  version: 1,
  owner: "peering",
  to: ["consensus", "state", "gateway", "encoder", "scorer"],
  subject: ["peering", "received", token("type")],
  payload: bcsPayload(ReceivedCodec, MAX_ENVELOPE_BYTES),
  maxBytes: MAX_ENVELOPE_BYTES,
  delivery: { kind: "core" },
  doc: "An envelope from another operator passed every check of the edge.",
});

/** The peers of this operator's peering: who is linked, what was refused. */
export const ListPeers = defineMessage({
  name: "peering.list-peers",
  version: 1,
  owner: "peering",
  from: ["gateway"],
  subject: ["peering", "list-peers"],
  payload: z.strictObject({}),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      peers: z.array(
        z.strictObject({
          operator: hex32,
          direction: z.enum(["dialled", "admitted"]),
          connected: z.boolean(),
          received: z.int(),
          refused: z.int(),
          lastSeenMs: z.int().nullable(),
        }),
      ),
    }),
  },
  doc: "Asks which peers are linked and how they behave.",
});
