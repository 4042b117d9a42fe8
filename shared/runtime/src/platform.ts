import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, defineConfig, integer, list, type Secret, secret, text } from "@soma/config";
import { type LogLevel, type LogSink, TelemetryConfig } from "@soma/telemetry";
import type { Credentials } from "./credentials.ts";

/** What a service needs from where it runs. */
export interface Platform {
  readonly operator: string;
  readonly network: string;
  readonly servers: string | readonly string[];
  /** Each service connects as itself. */
  readonly credentialsFor?: (service: string) => Credentials | undefined;
  /** The operator's database; a schema a service. */
  readonly databaseUrl?: string | undefined;
  /** Copies of each stream, in a cluster. */
  readonly replicas?: 1 | 3 | 5;
  readonly otlpEndpoint?: string | undefined;
  readonly traceRatio?: number;
  readonly traceBackgroundRatio?: number;
  readonly metrics?: boolean;
  readonly logLevel?: LogLevel;
  readonly logSink?: LogSink;
}

/** What services read of their operator, beside their own variables. */
export const PlatformConfig = defineConfig("", {
  ...TelemetryConfig.variables,
  network: { is: text(), doc: "Name of the network; stands in every subject." },
  operator: { is: text(), doc: "Name of the operator that runs this service." },
  natsUrl: {
    is: list(),
    default: "nats://127.0.0.1:4222",
    doc: "The operator's NATS servers, separated by commas.",
  },
  natsUser: { is: text(), default: null, doc: "NATS user; with SOMA_NATS_PASSWORD." },
  natsPassword: { is: secret(), default: null, doc: "NATS password." },
  natsCredentials: {
    is: text(),
    default: null,
    doc: "Path of a NATS .creds file; read again at each reconnect.",
  },
  natsCredentialsFolder: {
    is: text(),
    default: null,
    doc: "Folder with a <service>.creds a service, where one process runs several.",
  },
  databaseUrl: {
    is: secret(),
    default: null,
    doc: "Postgres, as postgresql://user:password@host:5432/soma.",
  },
  streamReplicas: {
    is: integer({ min: 1, max: 5 }),
    default: null,
    doc: "Copies of each stream: 1, 3 or 5.",
  },
});
export type PlatformConfig = Config<typeof PlatformConfig>;

/** `metrics`: whether the process serves any. */
export function platformFrom(config: PlatformConfig, metrics: boolean): Platform {
  return {
    operator: config.operator,
    network: config.network,
    servers: config.natsUrl,
    credentialsFor: (service) => credentialsFrom(config, service),
    databaseUrl: config.databaseUrl?.reveal(),
    ...(config.streamReplicas === undefined ? {} : { replicas: config.streamReplicas as 1 | 3 | 5 }),
    otlpEndpoint: config.otlpEndpoint,
    traceRatio: config.traceRatio,
    traceBackgroundRatio: config.traceBackgroundRatio,
    metrics,
    logLevel: config.log,
  };
}

function credentialsFrom(
  config: {
    natsUser: string | undefined;
    natsPassword: Secret | undefined;
    natsCredentials: string | undefined;
    natsCredentialsFolder: string | undefined;
  },
  service: string,
): Credentials | undefined {
  const folder = config.natsCredentialsFolder;
  const path = folder === undefined ? config.natsCredentials : join(folder, `${service}.creds`);
  if (path !== undefined) return { kind: "creds", read: () => readFileSync(path) };
  if (config.natsUser === undefined) return undefined;
  return { kind: "password", user: config.natsUser, password: config.natsPassword?.reveal() ?? "" };
}
