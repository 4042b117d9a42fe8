import { type NatsConnection, PermissionViolationError } from "@nats-io/nats-core";
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { SomaError } from "@soma/base";
import { inboxPrefix } from "@soma/contracts";
import type { Counter, Telemetry } from "@soma/telemetry";
import { authenticatorFor, type Credentials } from "./credentials.ts";
import { connectGuarded } from "./guarded-transport.ts";

/** The oldest server that this code was tested with (Debian 12). */
const OLDEST_SERVER = [2, 9, 10] as const;

export interface ConnectionOptions {
  readonly servers: string | readonly string[];
  readonly credentials?: Credentials | undefined;
  readonly tls?: NodeConnectionOptions["tls"];
  /** One attempt, and the end at the first disconnect: for whoever dials again by itself, with other credentials. */
  readonly once?: boolean;
  /** The first attempt must succeed, so that a person hears of a wrong address; later the connection is kept. */
  readonly failFast?: boolean;
  /** Of a server that somebody else runs: the largest message that is taken from it. Beyond it the connection ends. */
  readonly maxInboundMessage?: number;
  /** The service; also names its inbox, so that permissions can keep inboxes apart. */
  readonly name: string;
  readonly telemetry: Telemetry;
}

/** Connects and stays connected for as long as the process wants; waits for a server that is not there yet. */
export async function openConnection(options: ConnectionOptions): Promise<NatsConnection> {
  const connection = await connectGuarded({
    servers: typeof options.servers === "string" ? options.servers : [...options.servers],
    name: options.name,
    inboxPrefix: inboxPrefix(options.name),
    ...(options.credentials === undefined ? {} : { authenticator: authenticatorFor(options.credentials) }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    // The library's default gives up after ten attempts, twenty seconds.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    reconnect: options.once !== true,
    ...(options.maxInboundMessage === undefined ? {} : { maxInboundMessage: options.maxInboundMessage }),
    waitOnFirstConnect: options.once !== true && options.failFast !== true,
    ...(options.once === true || options.failFast === true ? { timeout: 5000 } : {}),
    // An expired credential is renewed by asking for it again at the next attempt.
    ignoreAuthErrorAbort: options.credentials?.kind === "jwt",
    pingInterval: 20_000,
    // Else every request makes its errors, stacks and all, before it is sent.
    noAsyncTraces: true,
  });
  const version = connection.info?.version ?? "0.0.0";
  if (!isAtLeast(version, OLDEST_SERVER)) {
    await connection.close();
    throw new SomaError(
      "BUS_SERVER_TOO_OLD",
      `nats-server ${version}; ${OLDEST_SERVER.join(".")} is the oldest`,
    );
  }
  void logStatus(connection, options.telemetry);
  return connection;
}

function isAtLeast(version: string, oldest: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map((part) => Number.parseInt(part, 10));
  for (let i = 0; i < oldest.length; i++) {
    const difference = (parts[i] ?? 0) - oldest[i]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** A service may have several connections, as peering has to its edge, and declares the metric once. */
const forbiddenOf = new WeakMap<Telemetry, Counter>();

function forbiddenCounter(telemetry: Telemetry): Counter {
  const known = forbiddenOf.get(telemetry);
  if (known !== undefined) return known;
  const counter = telemetry.metrics.counter("bus.forbidden", {
    unit: "{operation}",
    doc: "Publications and subscriptions that the server does not permit to this service, by operation.",
  });
  forbiddenOf.set(telemetry, counter);
  return counter;
}

async function logStatus(connection: NatsConnection, telemetry: Telemetry): Promise<void> {
  const forbidden = forbiddenCounter(telemetry);
  for await (const status of connection.status()) {
    if (status.type === "ping") continue;
    if (status.type === "error") {
      if (status.error instanceof PermissionViolationError)
        forbidden.add(1, { operation: status.error.operation });
      telemetry.log.warn({ error: String(status.error) }, "nats: error");
    } else if (
      status.type === "disconnect" ||
      status.type === "staleConnection" ||
      status.type === "slowConsumer"
    )
      telemetry.log.warn(`nats: ${status.type}`);
    else telemetry.log.info(`nats: ${status.type}`);
  }
}
