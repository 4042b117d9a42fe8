import { AdmitPeer } from "@soma/contracts";
import { taken } from "../context.ts";
import { defineRoute, type Route } from "../route.ts";

/** The door of the edge: a peer proves its key of the roster and gets a credential. Peering decides; this passes on. */
export const EDGE_ROUTES: readonly Route[] = [
  defineRoute({
    id: "admitPeer",
    method: "POST",
    url: "/v1/edge/admissions",
    tag: "operators",
    summary: "A peer proves its key and gets a credential for the edge",
    body: { type: "application/json", schema: AdmitPeer.payload.schema!, maxBytes: () => 4_096 },
    answers: { 201: { doc: "The credential, and where the edge is.", json: AdmitPeer.reply.schema! } },
    codes: [
      "ADMISSION_STRANGER",
      "ADMISSION_CLOCK",
      "ADMISSION_REPLAY",
      "ADMISSION_SIGNATURE",
      "ADMISSION_RATE",
      "ADMISSION_BANNED",
      "ADMISSION_KEY",
      "EDGE_UNAVAILABLE",
    ],
    asks: true,
    handle: async ({ context: { bus }, body, reply }) =>
      reply.status(201).send(taken(await bus.request(AdmitPeer, {}, body as never))),
  }),
];
