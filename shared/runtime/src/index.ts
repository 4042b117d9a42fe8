export { AddressGuard, type AddressGuardOptions, type ResolvedAddress } from "./address-guard.ts";
export { type Binding, type ConsumeOptions, on, type StreamHandler } from "./binding.ts";
export { BoundedWorker } from "./bounded-worker.ts";
export { Bus, type BusOptions } from "./bus.ts";
export type { Reader, RespondOptions, SubscribeOptions } from "./core-reader.ts";
export type { Credentials } from "./credentials.ts";
export { firstMessage } from "./first-message.ts";
export type { FollowFrom, FollowHandler } from "./follow.ts";
export { HEADER, type HeaderValues } from "./headers.ts";
export { HealthEndpoint } from "./health-endpoint.ts";
export { KeyedQueue } from "./keyed-queue.ts";
export type { MessageContext, RequestContext } from "./message-context.ts";
export type { PublishOptions, StagedMessage } from "./outgoing.ts";
export { type Platform, PlatformConfig, platformFrom } from "./platform.ts";
export { ProcessConfig } from "./process-config.ts";
export type { RequestOptions } from "./request.ts";
export { type Closable, ResourceStack } from "./resources.ts";
export { type HostPlan, runHosts, runService, runServices } from "./run-services.ts";
export {
  type AnyService,
  defineService,
  type Health,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
  schemaOf,
} from "./service.ts";
export { ServiceHost } from "./service-host.ts";
export type { LifecycleState } from "./service-runner.ts";
export { sleep } from "./sleep.ts";
export { steadyNow } from "./steady-clock.ts";
export type { StreamReceipt } from "./stream-port.ts";
export type { StreamState } from "./streams.ts";
export { Tap, type TapOptions, type TappedMessage } from "./tap.ts";
export { Turns } from "./turns.ts";
