export { findNatsServer } from "./find-nats-server.ts";
export { freePort, isPortFree } from "./free-port.ts";
export { type NatsAccount, NatsServer, type NatsServerOptions, type NatsUser } from "./nats-server.ts";
export { PostgresServer, type PostgresServerOptions } from "./postgres-server.ts";
export { endWithUs } from "./reaper.ts";
export { ServerProcess, type ServerProcessOptions } from "./server-process.ts";
