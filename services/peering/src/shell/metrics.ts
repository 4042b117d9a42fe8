import type { Telemetry } from "@soma/telemetry";

/** What peering measures. Peers are operator ids: bounded by the roster. */
export function peeringMetrics({ metrics }: Telemetry) {
  return {
    sent: metrics.counter("peering.sent", { unit: "{message}", doc: "Envelopes sent, by peer and type." }),
    sentBytes: metrics.counter("peering.sent_bytes", {
      unit: "By",
      doc: "Bytes of envelopes sent, by peer.",
    }),
    received: metrics.counter("peering.received", {
      unit: "{message}",
      doc: "Envelopes that passed every check, by peer and type.",
    }),
    receivedBytes: metrics.counter("peering.received_bytes", {
      unit: "By",
      doc: "Bytes of envelopes that arrived, good or bad, by peer.",
    }),
    relayed: metrics.counter("peering.relayed", { unit: "{message}", doc: "Envelopes passed on, by peer." }),
    refused: metrics.counter("peering.refused", {
      unit: "{message}",
      doc: "Envelopes refused, by the peer that brought them and code.",
    }),
    unsent: metrics.counter("peering.unsent", {
      unit: "{message}",
      doc: "Own messages that went nowhere, by type and code.",
    }),
    dropped: metrics.counter("peering.dropped", {
      unit: "{message}",
      doc: "Envelopes dropped because a peer was slow or its link ended, by peer.",
    }),
    queue: metrics.gauge("peering.queue", { unit: "{message}", doc: "Envelopes that wait, by peer." }),
    linked: metrics.gauge("peering.linked", {
      unit: "1",
      doc: "1 while the link is open, by peer and direction.",
    }),
    silent: metrics.gauge("peering.silent", {
      unit: "1",
      doc: "1 while a link that is open is not heard, by peer and direction.",
    }),
    admissions: metrics.counter("peering.admissions", {
      unit: "{request}",
      doc: "Requests for a credential at the edge, by code.",
    }),
    dials: metrics.counter("peering.dials", {
      unit: "{attempt}",
      doc: "Attempts to dial, by peer and code.",
    }),
  };
}
export type PeeringMetrics = ReturnType<typeof peeringMetrics>;
