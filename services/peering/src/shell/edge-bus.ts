import { isIP, isIPv6 } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { SomaError } from "@soma/base";
import { MAX_ENVELOPE_BYTES } from "@soma/protocol";
import { Bus } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";

const DEFAULT_PORT = "4222";

/** What it takes to reach an edge. */
export interface EdgeAccess {
  readonly jwt: string;
  readonly seed: Uint8Array;
  /** `nats://host:port` or `tls://host:port`. */
  readonly address: string;
  /** PEM; null for the system's authorities. */
  readonly certificateAuthorities: string | null;
}

/** An envelope with the headers that NATS puts before it. */
const MAX_INBOUND = MAX_ENVELOPE_BYTES + 64 * 1024;

/**
 * One connection to an edge: tried once, and over at the first disconnect.
 * @param addressOf what is connected to for a host; the host itself, where this operator wrote it
 * @throws SomaError EDGE_ADDRESS, and what `addressOf` throws
 */
export async function connectEdge(
  access: EdgeAccess,
  telemetry: Telemetry,
  addressOf: (host: string) => Promise<string> = async (host) => host,
): Promise<Bus> {
  const url = URL.parse(access.address);
  if (url === null || !["nats:", "tls:"].includes(url.protocol) || url.host === "")
    throw new SomaError("EDGE_ADDRESS", "the edge's address is none");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const address = await addressOf(host);
  return Bus.open({
    servers: `${isIPv6(address) ? `[${address}]` : address}:${url.port || DEFAULT_PORT}`,
    name: "peering",
    // No subject at an edge names a network.
    network: "edge",
    telemetry,
    once: true,
    maxInboundMessage: MAX_INBOUND,
    credentials: { kind: "jwt", jwt: () => access.jwt, seed: access.seed },
    ...(url.protocol === "tls:" ? { tls: tlsOptions(host, access.certificateAuthorities) } : {}),
  });
}

/** The certificate must be of the host that was named, whatever address was dialled for it. */
function tlsOptions(host: string, ca: string | null) {
  return { host, ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === null ? {} : { ca }) };
}

/**
 * Milliseconds before the next attempt: doubling to two seconds, and spread so that peers do not come at once. No
 * longer, because a validator that is back is missed, and a hundred peers' attempts cost it nothing.
 */
export function backoff(failures: number): number {
  return Math.min(250 * 2 ** failures, 2_000) * (0.5 + Math.random());
}

/** Resolves when the first of the promises does, or after `ms`, without leaving a timer behind. */
export async function firstOf(ms: number, ...events: Promise<unknown>[]): Promise<void> {
  const timer = new AbortController();
  const late = delay(Math.max(0, Math.min(ms, 2 ** 31 - 1)), undefined, { signal: timer.signal });
  try {
    await Promise.race([late, ...events]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}
