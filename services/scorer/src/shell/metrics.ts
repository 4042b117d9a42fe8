import type { Telemetry } from "@soma/telemetry";

export type ScorerMetrics = ReturnType<typeof scorerMetrics>;

export function scorerMetrics({ metrics }: Telemetry) {
  return {
    evaluations: metrics.counter("scorer.evaluations", {
      unit: "{job}",
      doc: "Jobs evaluated, by outcome: evaluated, missing, refused.",
    }),
    items: metrics.counter("scorer.items", { unit: "{item}", doc: "Items evaluated." }),
    exclusions: metrics.counter("scorer.exclusions", {
      unit: "{encoder}",
      doc: "Encoders left out of an evaluation, by cause: malformed (bytes, dimension, count), norms, dispersion, outlier.",
    }),
    seconds: metrics.histogram("scorer.evaluation_seconds", {
      unit: "s",
      doc: "Time of one evaluation in its thread.",
    }),
    fetchSeconds: metrics.histogram("scorer.fetch_seconds", {
      unit: "s",
      doc: "Time until all vectors of a job were at hand.",
    }),
    waiting: metrics.gauge("scorer.waiting", { unit: "{job}", doc: "Evaluations that wait in the queue." }),
  };
}
