import type { Telemetry } from "@soma/telemetry";

/** The gateway's instruments; request latency is HTTP's convention, the rest is ours. */
export function gatewayMetrics(telemetry: Telemetry) {
  return {
    requests: telemetry.metrics.histogram("gateway.request.duration", {
      unit: "s",
      doc: "HTTP requests by route and status.",
    }),
    blobBytes: telemetry.metrics.counter("gateway.blob.bytes", {
      unit: "By",
      doc: "Bytes of blobs taken and served.",
    }),
    refused: telemetry.metrics.counter("gateway.refused", {
      unit: "{request}",
      doc: "Requests refused, and transactions of batches that were, by code.",
    }),
    quotas: telemetry.metrics.counter("gateway.quota.exceeded", {
      unit: "{request}",
      doc: "Requests beyond a client's quota, by quota.",
    }),
    vainChecks: telemetry.metrics.counter("gateway.vain_checks", {
      unit: "{signature}",
      doc: "Signature checks that clients' transactions cost before they were refused, by code; a BLS one counts as 32.",
    }),
    events: telemetry.metrics.gauge("gateway.event.streams", {
      unit: "{stream}",
      doc: "Event streams that are open.",
    }),
    eventStreamEnds: telemetry.metrics.counter("gateway.event.stream.ends", {
      unit: "{stream}",
      doc: "Event streams that ended, by reason: left, slow or closing.",
    }),
    mailbox: telemetry.metrics.counter("gateway.mailbox.messages", {
      unit: "{message}",
      doc: "Job messages kept for submitters, or refused.",
    }),
  };
}
export type GatewayMetrics = ReturnType<typeof gatewayMetrics>;
