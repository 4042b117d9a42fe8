import { type Config, defineConfig, duration, integer } from "@soma/config";

/** What a service process reads for itself, whatever runs in it. */
export const ProcessConfig = defineConfig("", {
  metricsPort: {
    is: integer({ min: 0, max: 65535 }),
    default: null,
    doc: "Port of the Prometheus endpoint /metrics of the process; 0 picks a free one.",
  },
  healthPort: {
    is: integer({ min: 0, max: 65535 }),
    default: null,
    doc: "Port of /livez and /readyz; 0 picks a free one.",
  },
  forceAfter: {
    is: duration(),
    default: "25s",
    doc: "Time after a signal in which the process must have ended.",
  },
});
export type ProcessConfig = Config<typeof ProcessConfig>;
