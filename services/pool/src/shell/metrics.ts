import type { Telemetry } from "@soma/telemetry";

export function poolMetrics(telemetry: Telemetry) {
  const { metrics } = telemetry;
  return {
    vectors: metrics.gauge("pool.vectors", { unit: "{vector}", doc: "Vectors in the pool." }),
    leftOut: metrics.counter("pool.vectors.left_out", {
      unit: "{vector}",
      doc: "Recorded vectors that the pool did not take, by reason.",
    }),
    indexed: metrics.gauge("pool.indexed", { unit: "{vector}", doc: "Vectors that the index covers." }),
    segments: metrics.counter("pool.segments", {
      unit: "{segment}",
      doc: "Segments of the index loaded, by whether their file was kept, missing or damaged.",
    }),
    buildSeconds: metrics.histogram("pool.segment.duration", {
      unit: "s",
      doc: "Checking or building one segment of the index.",
      buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1200],
    }),
    searchSeconds: metrics.histogram("pool.search.duration", {
      unit: "s",
      doc: "Searches and recommendations, by whether the index proposed.",
    }),
    classifySeconds: metrics.histogram("pool.classify.duration", { unit: "s", doc: "Classifications." }),
    refused: metrics.counter("pool.refused", { unit: "{request}", doc: "Requests refused, by code." }),
  };
}
export type PoolMetrics = ReturnType<typeof poolMetrics>;
