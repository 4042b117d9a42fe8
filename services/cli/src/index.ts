export { DevnetNetwork, gatewaysOf, type NetworkOptions } from "./devnet/network.ts";
export { type DevnetPlan, type OperatorPlan, planDevnet } from "./devnet/plan.ts";
export type { ProcessLayout } from "./devnet/process-layout.ts";
