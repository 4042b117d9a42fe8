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
    mailbox: telemetry.metrics.counter("gateway.mailbox.messages", {
      unit: "{message}",
      doc: "Job messages kept for submitters, or refused.",
    }),
  };
}
export type GatewayMetrics = ReturnType<typeof gatewayMetrics>;
