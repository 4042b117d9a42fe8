import { EdgeDown, EdgeUp } from "@soma/contracts";
import type { Hex32 } from "@soma/protocol";
import { type Bus, sleep, steadyNow } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { Channel } from "./channel.ts";
import { backoff, firstOf } from "./edge-bus.ts";
import type { Exchange } from "./exchange.ts";
import { busWire } from "./wire.ts";

export interface BridgeOptions {
  readonly exchange: Exchange;
  readonly channel: Channel;
  readonly operator: Hex32;
  readonly telemetry: Telemetry;
  readonly concurrency: number;
  readonly connect: () => Promise<Bus>;
}

/** Messages of one peer that may wait for their check. */
const MAX_WAITING = 1024;

/** Our end of one admitted peer at our edge. It comes back when the edge restarts. */
export class Bridge {
  /** When the peer's newest credential ends. */
  expiresAtMs = 0;
  readonly #options: BridgeOptions;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<unknown>;
  readonly #loop: Promise<void>;
  #ready = Promise.withResolvers<void>();
  #bus: Bus | undefined;

  private constructor(options: BridgeOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) => this.#stop.signal.addEventListener("abort", resolve));
    this.#loop = this.#run();
  }

  static open(options: BridgeOptions): Bridge {
    return new Bridge(options);
  }

  /** Whether it reads what the peer sends, within `ms`. */
  async ready(ms: number): Promise<boolean> {
    await firstOf(ms, this.#ready.promise);
    return this.#options.channel.isOpen;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#bus?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { channel, telemetry } = this.#options;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        const bus = await this.#attach();
        failures = 0;
        await Promise.race([bus.closed, this.#stopped]);
        await bus.close();
      } catch (error) {
        failures++;
        telemetry.log.debug({ peer: channel.peer, error: String(error) }, "the edge cannot be reached");
      }
      await sleep(backoff(failures), this.#stop.signal);
    }
  }

  async #attach(): Promise<Bus> {
    const { exchange, channel, operator, concurrency, connect } = this.#options;
    const bus = await connect();
    const { peer } = channel;
    const onUp = (bytes: Uint8Array) => exchange.receive(channel, bytes);
    await bus.subscribe(EdgeUp, { peer }, onUp, { concurrency, maxWaiting: MAX_WAITING });
    const wire = busWire(bus, EdgeDown, { operator, peer });
    this.#bus = bus;
    channel.attach(wire, steadyNow());
    const ready = this.#ready;
    void bus.closed.then(() => {
      channel.detach(wire);
      if (this.#ready === ready) this.#ready = Promise.withResolvers();
    });
    ready.resolve();
    return bus;
  }
}
