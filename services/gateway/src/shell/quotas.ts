import { BlockList, isIP, isIPv6 } from "node:net";
import { SomaError } from "@soma/base";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { GatewayMetrics } from "./metrics.ts";

export interface QuotaLimits {
  /** Milliseconds after which the counts begin again. */
  readonly windowMs: number;
  readonly requests: number;
  readonly blobBytes: number;
  readonly relays: number;
  /** Of one job's session key, whoever sends. */
  readonly jobRelays: number;
  /** Signature checks of transactions that came to nothing, in Ed25519 checks. */
  readonly vainChecks: number;
  /** Event streams open at once. */
  readonly events: number;
  /** Requests that wait for news at once. */
  readonly waits: number;
  /** Networks (`10.0.0.0/8`) whose requests are not counted. */
  readonly exempt: readonly string[];
}

const CODES = {
  requests: "GATEWAY_QUOTA_REQUESTS",
  blobBytes: "GATEWAY_QUOTA_BLOB_BYTES",
  relays: "GATEWAY_QUOTA_RELAYS",
  jobRelays: "GATEWAY_QUOTA_RELAYS",
  vainChecks: "GATEWAY_QUOTA_SIGNATURES",
} as const;
type Counted = keyof typeof CODES;

/** What a client may have at once. */
const HELD = {
  events: { code: "GATEWAY_QUOTA_EVENTS", name: "streams open" },
  waits: { code: "GATEWAY_QUOTA_WAITS", name: "requests waiting" },
} as const;
type Held = keyof typeof HELD;

/**
 * What one client may take of this gateway process. A client is an IPv4 address or an IPv6 /64, since whoever has one
 * address of the latter has all of them.
 */
export class Quotas {
  readonly #limits: QuotaLimits;
  readonly #metrics: GatewayMetrics;
  readonly #limiters: Readonly<Record<Counted, RateLimiterMemory>>;
  readonly #exempt = new BlockList();
  readonly #held: Readonly<Record<Held, Map<string, number>>> = { events: new Map(), waits: new Map() };

  constructor(limits: QuotaLimits, metrics: GatewayMetrics) {
    this.#limits = limits;
    this.#metrics = metrics;
    const duration = limits.windowMs / 1000;
    const limiter = (points: number) => new RateLimiterMemory({ points, duration });
    this.#limiters = {
      requests: limiter(limits.requests),
      blobBytes: limiter(limits.blobBytes),
      relays: limiter(limits.relays),
      jobRelays: limiter(limits.jobRelays),
      vainChecks: limiter(limits.vainChecks),
    };
    for (const network of limits.exempt) {
      const { address, prefix, family } = networkOf(network);
      this.#exempt.addSubnet(address, prefix, family);
    }
  }

  /** Whom an address belongs to; undefined if it is not counted. */
  clientOf(address: string): string | undefined {
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    if (!isIPv6(plain)) return this.#exempt.check(plain, "ipv4") ? undefined : plain;
    return this.#exempt.check(plain, "ipv6") ? undefined : prefix64(plain);
  }

  /** Counts what a client (or a job) takes. @throws SomaError with the quota's code and when it begins again */
  async take(what: Counted, client: string | undefined, amount = 1): Promise<void> {
    if (client === undefined) return;
    try {
      await this.#limiters[what].consume(client, amount);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw this.#exceeded(what, error);
    }
  }

  /** Whether a client may have more of what is known only afterwards. @throws SomaError as `take` */
  async assertLeft(what: Counted, client: string | undefined): Promise<void> {
    if (client === undefined) return;
    const taken = await this.#limiters[what].get(client);
    if (taken !== null && taken.remainingPoints <= 0) throw this.#exceeded(what, taken);
  }

  /** Counts what a client turned out to have taken. Its refusal, as of `assertLeft`, once nothing is left. */
  async charge(what: Counted, client: string, amount: number): Promise<SomaError | undefined> {
    const taken = await this.#limiters[what].penalty(client, amount);
    return taken.remainingPoints <= 0 ? this.#exceeded(what, taken) : undefined;
  }

  #exceeded(what: Counted, { msBeforeNext }: RateLimiterRes): SomaError {
    this.#metrics.quotas.add(1, { quota: what });
    const limit = `${this.#limits[what]} in ${this.#limits.windowMs / 1000} s`;
    const whose = what === "jobRelays" ? "this job" : "your address";
    return new SomaError(
      CODES[what],
      `${whose} may have ${limit} (${what}); ask again later, or run a gateway of your own`,
      { retryAfterSeconds: msBeforeNext / 1000 },
    );
  }

  /** Opens an event stream of a client; the result ends it. @throws SomaError GATEWAY_QUOTA_EVENTS */
  openEvents(client: string | undefined): () => void {
    return this.#open("events", client);
  }

  /** A request of a client begins to wait for news; the result ends it. @throws SomaError GATEWAY_QUOTA_WAITS */
  openWait(client: string | undefined): () => void {
    return this.#open("waits", client);
  }

  #open(what: Held, client: string | undefined): () => void {
    if (client === undefined) return () => undefined;
    const held = this.#held[what];
    const open = held.get(client) ?? 0;
    if (open >= this.#limits[what]) {
      this.#metrics.quotas.add(1, { quota: what });
      const { code, name } = HELD[what];
      throw new SomaError(code, `your address may have ${this.#limits[what]} ${name}`);
    }
    held.set(client, open + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      const left = (held.get(client) ?? 1) - 1;
      if (left === 0) held.delete(client);
      else held.set(client, left);
    };
  }
}

/** @throws SomaError CONFIG_INVALID */
function networkOf(text: string): { address: string; prefix: number; family: "ipv4" | "ipv6" } {
  const [address = "", bits] = text.split("/");
  const version = isIP(address);
  const widest = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? widest : Number(bits);
  if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > widest) {
    throw new SomaError("CONFIG_INVALID", `${text} is no network such as 10.0.0.0/8`);
  }
  return { address, prefix, family: version === 6 ? "ipv6" : "ipv4" };
}

/** The first four groups of an IPv6 address. */
function prefix64(address: string): string {
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill("0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
