import type { Telemetry } from "@soma/telemetry";

export type EncoderMetrics = ReturnType<typeof encoderMetrics>;

export function encoderMetrics({ metrics }: Telemetry) {
  return {
    milestones: metrics.counter("encoder.milestones", {
      unit: "{job}",
      doc: "Jobs that came to a milestone: offered, committed, opted-out, revealed, evaluated, proved, settled, closed.",
    }),
    alarms: metrics.counter("encoder.alarms", {
      unit: "{alarm}",
      doc: "Things that must not happen, by code; look at the log.",
    }),
    refused: metrics.counter("encoder.refused", {
      unit: "{input}",
      doc: "Inputs that were refused, by code.",
    }),
    jobs: metrics.gauge("encoder.jobs", { unit: "{job}", doc: "Jobs that are followed." }),
    head: metrics.gauge("encoder.head", { unit: "{commit}", doc: "Last commit that was proven." }),
    posts: metrics.counter("encoder.posts", {
      unit: "{transaction}",
      doc: "Transactions sent, by kind and outcome (a refusal's code or OK).",
    }),
    items: metrics.counter("encoder.items", { unit: "{item}", doc: "Items embedded." }),
    inferSeconds: metrics.histogram("encoder.infer_seconds", {
      unit: "s",
      doc: "Time in which the rows of a part of a job were inferred.",
    }),
    tokeniseSeconds: metrics.histogram("encoder.tokenise_seconds", {
      unit: "s",
      doc: "Time in which the items of a part of a job were tokenised and masked.",
    }),
    batchRows: metrics.histogram("encoder.batch_rows", {
      unit: "{row}",
      doc: "Rows of a batch.",
      buckets: [2, 4, 8, 17, 34, 68, 136, 272, 544, 1088],
    }),
    waiting: metrics.gauge("encoder.waiting", { unit: "{job}", doc: "Inference requests in the queue." }),
    provider: metrics.gauge("encoder.provider", {
      unit: "1",
      doc: "1 for the execution provider in use.",
    }),
  };
}
