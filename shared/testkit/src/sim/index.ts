export { SimDisk } from "./disk.ts";
export {
  LATENCIES,
  type Latency,
  type LatencyName,
  type NetworkConditions,
  type NetworkCounters,
  type Passage,
  SimNetwork,
} from "./network.ts";
export { NodeClock } from "./node-clock.ts";
export { Scheduler } from "./scheduler.ts";
export { describeFailure, SimJudge, type SimVerdict } from "./verdict.ts";
