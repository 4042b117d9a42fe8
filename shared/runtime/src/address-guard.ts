import { lookup as resolve } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { SomaError } from "@soma/base";
import type { Counter, Telemetry } from "@soma/telemetry";
import ipaddr from "ipaddr.js";
import { Agent, fetch as fetchWith } from "undici";

export interface AddressGuardOptions {
  /** Networks (10.0.0.0/8) and addresses that are not public and may be reached all the same. */
  readonly allowed: readonly string[];
  readonly telemetry: Telemetry;
  /** Every address of a name; by default as the system resolves it. */
  readonly resolve?: (name: string) => Promise<readonly ResolvedAddress[]>;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** The code of a refusal: an address that another party wrote leads into this operator's own network. */
const INTERNAL = "ADDRESS_INTERNAL";

/**
 * Reaches addresses that other parties wrote, and only public ones: whoever writes `http://10.0.0.7/` as the address of
 * its gateway must not have us talk to our own machines. A name is resolved once and the very address that was checked
 * is connected to, so that no second answer of its name server counts. Redirects are not followed.
 */
export class AddressGuard {
  readonly #allowed: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];
  readonly #resolve: NonNullable<AddressGuardOptions["resolve"]>;
  readonly #refused: Counter;
  readonly #agent: Agent;

  /** @throws SomaError CONFIG_INVALID for what is no network */
  constructor({ allowed, telemetry, resolve: resolver = resolveAll }: AddressGuardOptions) {
    this.#allowed = allowed.map(networkOf);
    this.#resolve = resolver;
    this.#refused = telemetry.metrics.counter("address.refused", {
      unit: "{attempt}",
      doc: "Addresses of other parties that were not connected to, by code: ADDRESS_INTERNAL.",
    });
    this.#agent = new Agent({ connect: { lookup: this.#lookup } });
  }

  /**
   * The address to connect to for a host that another party named.
   * @throws SomaError ADDRESS_INTERNAL, ADDRESS_UNKNOWN (the name has none)
   */
  async addressOf(host: string): Promise<string> {
    return (await this.#checked(host))[0].address;
  }

  /** As the global one, over addresses that are checked. @throws SomaError ADDRESS_INTERNAL, ADDRESS_SCHEME */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new SomaError("ADDRESS_SCHEME", `${url.protocol} is not fetched`);
    }
    // Node resolves names alone.
    const host = bare(url.hostname);
    if (isIP(host) !== 0) this.#check(host, [{ address: host, family: isIP(host) }]);
    try {
      const options = { ...init, redirect: "error", dispatcher: this.#agent };
      return (await fetchWith(url, options as never)) as unknown as Response;
    } catch (error) {
      throw error instanceof Error && error.cause instanceof SomaError ? error.cause : error;
    }
  };

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  readonly #lookup: LookupFunction = (host, { all }, callback) => {
    this.#checked(host).then(
      (addresses) => {
        if (all === true)
          callback(
            null,
            addresses.map((one) => ({ ...one })),
          );
        else callback(null, addresses[0].address, addresses[0].family);
      },
      (error) => callback(error, []),
    );
  };

  async #checked(host: string): Promise<readonly [ResolvedAddress, ...ResolvedAddress[]]> {
    const name = bare(host);
    const family = isIP(name);
    const addresses = family === 0 ? await this.#named(name) : [{ address: name, family }];
    this.#check(name, addresses);
    return addresses as [ResolvedAddress, ...ResolvedAddress[]];
  }

  async #named(name: string): Promise<readonly ResolvedAddress[]> {
    const found = await this.#resolve(name).catch(() => []);
    if (found.length === 0) throw new SomaError("ADDRESS_UNKNOWN", `${name} has no address`);
    return found;
  }

  /** All of them: which one a connection takes is nothing to rely on. */
  #check(host: string, addresses: readonly ResolvedAddress[]): void {
    const internal = addresses.find(({ address }) => !this.#isFit(address));
    if (internal === undefined) return;
    this.#refused.add(1, { code: INTERNAL });
    throw new SomaError(
      INTERNAL,
      `${host} is ${internal.address}, which is not public: SOMA_PEER_NETWORKS names the networks that may be reached`,
    );
  }

  #isFit(text: string): boolean {
    if (!ipaddr.isValid(text)) return false;
    // An IPv4 address that is written as an IPv6 one is what it is.
    const address = ipaddr.process(text);
    if (isPublic(address)) return true;
    return this.#allowed.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network as never, bits),
    );
  }
}

/** All of IPv6 that is assigned to the public; the library takes what is not assigned, such as ::2, for unicast. */
const GLOBAL = ipaddr.IPv6.parse("2000::");

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || (address as ipaddr.IPv6).match(GLOBAL, 3);
}

function networkOf(text: string): readonly [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    if (text.includes("/")) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  } catch {
    throw new SomaError("CONFIG_INVALID", `SOMA_PEER_NETWORKS: ${text} is no network`);
  }
}

function resolveAll(name: string): Promise<readonly ResolvedAddress[]> {
  return resolve(name, { all: true });
}

/** A host without the brackets that URLs put around IPv6 addresses. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}
