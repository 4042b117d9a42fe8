import { SomaError } from "@soma/base";
import { EdgeDown, EdgeUp } from "@soma/contracts";
import { type AddressGuard, type Bus, sleep, steadyNow } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { DialTarget } from "../core/link-plan.ts";
import { requestAdmission } from "./admission-client.ts";
import type { Channel, Wire } from "./channel.ts";
import { backoff, connectEdge, firstOf } from "./edge-bus.ts";
import type { Exchange } from "./exchange.ts";
import type { PeeringMetrics } from "./metrics.ts";
import type { Operator } from "./operator.ts";
import { busWire } from "./wire.ts";

export interface LinkDeps {
  readonly exchange: Exchange;
  readonly us: Operator;
  readonly chainId: string;
  readonly telemetry: Telemetry;
  readonly metrics: PeeringMetrics;
  /** Handlers at once on one link. */
  readonly concurrency: number;
  /** Where peers are is what they wrote themselves. */
  readonly guard: AddressGuard;
}

interface Session {
  readonly bus: Bus;
  readonly wire: Wire;
  readonly renewAtMs: number;
}

/** Messages of one peer that may wait for their check. */
const MAX_WAITING = 1024;
/** Between two connections with one peer, whatever it asks for. */
const DIAL_APART_MS = 500;

/** Keeps one operator's edge dialled: asks for admission, connects, renews before the end, dials again when lost. */
export class Link {
  readonly target: DialTarget;
  readonly #deps: LinkDeps;
  readonly #channel: Channel;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<unknown>;
  readonly #loop: Promise<void>;
  #session: Session | undefined;
  #startedAtMs = 0;
  #interrupted = Promise.withResolvers<void>();

  private constructor(target: DialTarget, deps: LinkDeps) {
    this.target = target;
    this.#deps = deps;
    this.#channel = deps.exchange.channel(target.operator, "dialled");
    this.#stopped = new Promise((resolve) => this.#stop.signal.addEventListener("abort", resolve));
    this.#loop = this.#run();
  }

  static open(target: DialTarget, deps: LinkDeps): Link {
    return new Link(target, deps);
  }

  /** Asks for another credential and connects with it, before the present connection ends. */
  readmit(): void {
    this.#interrupted.resolve();
  }

  /** Ends the present connection; another is dialled unless the peer is banned. */
  async drop(): Promise<void> {
    this.#interrupted.resolve();
    await this.#endSession();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#endSession();
  }

  async #run(): Promise<void> {
    const { target } = this;
    const { exchange, telemetry, metrics } = this.#deps;
    const { operator: peer } = target;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      let code = "OK";
      try {
        if (exchange.isBanned(peer)) throw new SomaError("PEER_BANNED", "not dialled while it is banned");
        const session = await this.#dial();
        failures = 0;
        telemetry.log.info({ peer }, "linked with a peer");
        metrics.dials.add(1, { peer, code });
        await firstOf(
          session.renewAtMs - steadyNow(),
          session.bus.closed,
          this.#interrupted.promise,
          this.#stopped,
        );
      } catch (error) {
        code = error instanceof SomaError ? error.code : "DIAL_CONNECTION";
        metrics.dials.add(1, { peer, code });
        telemetry.log.debug({ peer, code, error: String(error) }, "a peer cannot be dialled");
        failures++;
      }
      const apart = this.#startedAtMs + DIAL_APART_MS - steadyNow();
      await sleep(Math.max(backoff(Math.max(0, failures - 1)), apart), this.#stop.signal);
    }
  }

  async #dial(): Promise<Session> {
    const { exchange, us, chainId, telemetry, concurrency, guard } = this.#deps;
    const { operator } = this.target;
    const key = exchange.roster.get(operator)?.key;
    if (key === undefined) throw new SomaError("PEER_UNKNOWN", "the peer left the roster");
    const pass = await requestAdmission(this.target, key, {
      us,
      chainId,
      fetch: guard.fetch,
      signal: this.#stop.signal,
    });
    const bus = await connectEdge(pass, telemetry, (host) => guard.addressOf(host));
    try {
      const onDown = (bytes: Uint8Array) => exchange.receive(this.#channel, bytes);
      await bus.subscribe(EdgeDown, { operator, peer: us.id }, onDown, {
        concurrency,
        maxWaiting: MAX_WAITING,
      });
    } catch (error) {
      await bus.close();
      throw error;
    }
    const wire = busWire(bus, EdgeUp, { peer: us.id });
    const now = steadyNow();
    // A quarter of the lifetime is left for attempts that fail; spread, so that peers do not renew at once.
    const renewAtMs = now + (pass.expiresAtMs - Date.now()) * (0.65 + 0.1 * Math.random());
    const session = { bus, wire, renewAtMs };
    const before = this.#session;
    this.#session = session;
    this.#startedAtMs = now;
    this.#interrupted = Promise.withResolvers();
    this.#channel.attach(wire, now);
    void bus.closed.then(() => this.#channel.detach(wire));
    exchange.beat(this.#channel);
    await before?.bus.close();
    return session;
  }

  async #endSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    this.#channel.detach(session.wire);
    await session.bus.close();
  }
}
