export { freePort, NatsServer, PostgresServer } from "@soma/launcher";
export { type CollectedSpan, TraceCollector } from "./collector.ts";
export { eventually } from "./eventually.ts";
export { TestResources } from "./resources.ts";
