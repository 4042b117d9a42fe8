import { concatBytes, err, fromHex, ok, toHex } from "@soma/base";
import { MAX_ENVELOPE_BYTES } from "@soma/protocol";
import { z } from "zod";
import { rawPayload } from "./bcs-payload.ts";
import { defineMessage } from "./define.ts";
import { hex32, hexBytes, millis } from "./fields.ts";
import type { BinaryCodec } from "./payload.ts";
import { token } from "./subject.ts";

const ID_BYTES = 32;

/** An operator's id and then the body to the end: blocks pass here, and a general codec would copy them thrice. */
function operatorAndBody<Name extends string>(
  name: Name,
): BinaryCodec<{ readonly [K in Name]: string } & { readonly body: Uint8Array }> {
  type Fields = { readonly [K in Name]: string } & { readonly body: Uint8Array };
  return {
    encode: (fields: Fields) => concatBytes(fromHex(fields[name]), fields.body),
    decode: (bytes) =>
      bytes.length < ID_BYTES
        ? err("MESSAGE_INVALID", "shorter than an operator's id")
        : ok({
            [name]: toHex(bytes.subarray(0, ID_BYTES)),
            body: bytes.subarray(ID_BYTES),
          } as Fields),
  };
}

/** Asks peering to sign and send a body to another operator (or all). `type` is a `PeerMessageType`. */
export const SendToPeer = defineMessage({
  name: "peering.send",
  version: 1,
  owner: "peering",
  from: ["consensus", "state", "gateway", "encoder", "scorer"],
  to: ["peering"],
  subject: ["peering", "send", token("type")],
  /** `recipient`: an operator's id, or 32 zero bytes for every linked peer that may read the type. */
  payload: operatorAndBody("recipient"),
  maxBytes: MAX_ENVELOPE_BYTES,
  delivery: { kind: "core" },
  doc: "A service has a body for another operator; peering wraps it in a signed envelope.",
});

/** A verified envelope's body. `sender` is who signed it, never who relayed it. */
export const PeerMessageReceived = defineMessage({
  name: "peering.received",
  version: 1,
  owner: "peering",
  to: ["consensus", "state", "gateway", "encoder", "scorer"],
  subject: ["peering", "received", token("type")],
  payload: operatorAndBody("sender"),
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

/** A user's public nkey. */
const userKey = z.string().regex(/^U[A-Z2-7]{55}$/, "not a user's public nkey");

/**
 * A peer proves a key of the roster and asks for a credential at this operator's edge. The gateway passes on the
 * body of `POST /v1/edge/admissions` and this answer, both JSON as they stand. Refusals: ADMISSION_STRANGER,
 * ADMISSION_CLOCK, ADMISSION_REPLAY, ADMISSION_SIGNATURE, ADMISSION_RATE, ADMISSION_BANNED, ADMISSION_KEY, EDGE_UNAVAILABLE.
 */
export const AdmitPeer = defineMessage({
  name: "peering.admit-peer",
  version: 1,
  owner: "peering",
  from: ["gateway"],
  subject: ["peering", "admit-peer"],
  payload: z.strictObject({
    peer: hex32,
    userKey,
    issuedAtMs: millis,
    /** Ed25519 by the peer's key of the roster over `soma.edge-admission` (docs/protocol/edge.md). */
    signature: hexBytes(64),
  }),
  delivery: {
    kind: "request",
    reply: z.strictObject({
      operator: hex32,
      /** NATS user JWT for `userKey`. */
      jwt: z.string().min(1).max(8192),
      /** Of the edge, `nats://` or `tls://`. */
      address: z.string().min(1).max(512),
      /** PEM of the authorities that the edge's certificate stands under; null for the system's. */
      certificateAuthorities: z.string().max(32_768).nullable(),
      expiresAtMs: millis,
      /** Ed25519 by the operator's key of the roster over `soma.edge-admission.answer`. */
      signature: hexBytes(64),
    }),
  },
  doc: "A peer asks to be admitted to the edge.",
});

/** At an edge: an envelope from the peer that dialled it. The subject's peer is the one admitted. */
export const EdgeUp = defineMessage({
  name: "peering.edge-up",
  version: 1,
  owner: "peering",
  to: ["peering"],
  space: "edge",
  subject: [token("peer"), "up"],
  payload: rawPayload,
  maxBytes: MAX_ENVELOPE_BYTES,
  delivery: { kind: "core" },
  doc: "An envelope goes from a peer to the operator whose edge it dialled.",
});

/** At an edge: an envelope for a peer that dialled it. */
export const EdgeDown = defineMessage({
  name: "peering.edge-down",
  version: 1,
  owner: "peering",
  to: ["peering"],
  space: "edge",
  subject: [token("operator"), "down", token("peer")],
  payload: rawPayload,
  maxBytes: MAX_ENVELOPE_BYTES,
  delivery: { kind: "core" },
  doc: "An envelope goes from an operator to a peer that dialled its edge.",
});
