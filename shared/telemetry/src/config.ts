import { type Config, choice, defineConfig, ratio, url } from "@soma/config";

/** What every operator reads for its telemetry; the defaults are silent. */
export const TelemetryConfig = defineConfig("", {
  log: {
    is: choice(["trace", "debug", "info", "warn", "error", "silent"]),
    default: "silent",
    doc: "Lowest level of the JSON log on standard error.",
  },
  otlpEndpoint: {
    is: url(["http", "https"]),
    default: null,
    doc: "OTLP/HTTP collector that receives traces, as http://127.0.0.1:4318.",
  },
  traceRatio: {
    is: ratio(),
    default: "1",
    doc: "Share of requests, jobs and other operators' traced messages whose trace is kept, between 0 and 1.",
  },
  traceBackgroundRatio: {
    is: ratio(),
    default: "0.01",
    doc: "Share of traces kept of what runs all the time: blocks, polls, timers.",
  },
});
export type TelemetryConfig = Config<typeof TelemetryConfig>;
