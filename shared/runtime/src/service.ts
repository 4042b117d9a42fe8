import type { ConfigDefinition, ConfigOf, Variables } from "@soma/config";
import type { Database, Migration, Outbox } from "@soma/storage";
import type { Telemetry } from "@soma/telemetry";
import type { Bus } from "./bus.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { Closable } from "./resources.ts";

/** What a service is given. Everything here is open already and is closed for it. */
export interface ServiceContext<V extends Variables = Variables, Tables = unknown> {
  readonly service: string;
  /** The operator that this instance belongs to: a token, as `validator-1`. */
  readonly operator: string;
  readonly network: string;
  readonly config: ConfigOf<V>;
  readonly bus: Bus;
  /** The service's schema, migrated. @throws SomaError SERVICE_NO_DATABASE unless the definition names migrations. */
  readonly database: Database<Tables>;
  /** Sends what `transactStep` put into the outbox: call `outbox.wake()` after the commit. Throws as `database` does. */
  readonly outbox: Outbox<Tables>;
  readonly telemetry: Telemetry;
  /** Aborts when draining begins. */
  readonly signal: AbortSignal;
  /** Registers what the service opens; closed in reverse order after draining, also when `open` throws. */
  use<T extends Closable>(resource: T): T;
  defer(closer: () => Promise<void> | void): void;
  /** Says that the service loads or replays what it had: the state `recovering`, until `open` returns. */
  recovering(): void;
  /**
   * Makes sure that this is the one instance of the service on its operator's database, and fails it if it no longer
   * is. Waits some seconds for one that is on its way out. @throws SomaError SERVICE_ALREADY_RUNNING
   */
  sole(): Promise<void>;
  /** Another connection, as to an operator's edge; closed with the service. */
  connect(options: Pick<ConnectionOptions, "servers" | "credentials" | "tls">): Promise<Bus>;
  /** Ends the service as failed; the process exits with 1. For what cannot be mended by trying again. */
  fail(error: unknown): void;
}

export interface Health {
  readonly ok: boolean;
  /** Facts for a person; no secrets. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A service that has started. */
export interface RunningService {
  /** Finishes what is in hand; messages and requests no longer arrive. */
  drain?(): Promise<void>;
  /** Whether the service is fit for work; joins readiness. */
  health?(): Health;
}

/** What a service is, apart from where it runs. */
export interface ServiceDefinition<V extends Variables = Variables, Tables = unknown> {
  /** Folder, subject token, deployment and `service.name` in one: `shard-selection`. */
  readonly name: string;
  readonly config: ConfigDefinition<V>;
  /** Present, if only empty, when the service keeps a schema (`shard_selection`). */
  readonly migrations?: readonly Migration[];
  /** Connects the parts; resolves when the service is ready. */
  open(context: ServiceContext<V, Tables>): Promise<RunningService>;
}

/** A service definition of any configuration and tables. */
export type AnyService = Pick<ServiceDefinition, "name" | "config" | "migrations"> & {
  // biome-ignore lint/suspicious/noExplicitAny: a host gives each service the very context that it declares.
  open(context: ServiceContext<any, any>): Promise<RunningService>;
};

/** States the type of a service's tables: `export const service = defineService<MempoolTables>()({ ... })`. */
export function defineService<Tables = unknown>() {
  return <const V extends Variables>(
    definition: ServiceDefinition<V, Tables>,
  ): ServiceDefinition<V, Tables> => definition;
}

/** The Postgres schema of a service. */
export function schemaOf(service: string): string {
  return service.replaceAll("-", "_");
}
