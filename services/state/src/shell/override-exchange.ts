import { ok } from "@soma/base";
import { decodeExact, encode, u64 } from "@soma/codec";
import { PeerMessageReceived, SendToPeer, SubmitOverride } from "@soma/contracts";
import { EVERYBODY, encodeSignedOverride, type Hex32 } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";
import type { StateMetrics } from "./metrics.ts";
import type { Overrides } from "./overrides.ts";
import type { SafeMode } from "./safe-mode.ts";

/** Overrides in the answer to one request. */
const SERVED = 4;
const REQUEST_BYTES = 8;

/** Overrides from the operator's command and from peers; a halted validator asks for the one that it lacks. */
export class OverrideExchange {
  readonly #bus: Bus;
  readonly #timer: NodeJS.Timeout;

  private constructor(bus: Bus, timer: NodeJS.Timeout) {
    this.#bus = bus;
    this.#timer = timer;
  }

  static async open(options: {
    readonly bus: Bus;
    readonly overrides: Overrides;
    readonly safeMode: SafeMode;
    readonly metrics: StateMetrics;
    readonly log: Logger;
    readonly askIntervalMs: number;
  }): Promise<OverrideExchange> {
    const { bus, overrides, safeMode, metrics, log, askIntervalMs } = options;
    const ask = (): void => {
      const { halt } = safeMode;
      if (halt === null) return;
      exchange
        .#send("override-request", EVERYBODY, encode(u64, halt.commit))
        .catch((error: unknown) => log.warn({ error: String(error) }, "no override could be asked for"));
    };
    const exchange = new OverrideExchange(bus, setInterval(ask, askIntervalMs));
    const submit = async (bytes: Uint8Array, source: "operator" | "peer") => {
      const outcome = await overrides.submit(bytes);
      const told = outcome.ok ? outcome.value : outcome.code;
      metrics.overrides.add(1, { outcome: told, source });
      // A peer may send bad ones without end: they are counted, and fill no log.
      const level = !outcome.ok && source === "peer" ? "debug" : "warn";
      if (told !== "known") log[level]({ outcome: told, source }, "an override came");
      return outcome;
    };
    await bus.respond(SubmitOverride, {}, async (bytes) => {
      const outcome = await submit(bytes, "operator");
      if (!outcome.ok) return outcome;
      await exchange.#send("override", EVERYBODY, bytes);
      return ok({ outcome: outcome.value });
    });
    await bus.subscribe(PeerMessageReceived, { type: "override" }, async ({ body }) => {
      await submit(body, "peer");
    });
    await bus.subscribe(PeerMessageReceived, { type: "override-request" }, async ({ sender, body }) => {
      const commit = decodeExact(u64, body, REQUEST_BYTES);
      if (!commit.ok) return;
      for (const signed of overrides.from(BigInt(commit.value)).slice(0, SERVED)) {
        await exchange.#send("override", sender, encodeSignedOverride(signed));
      }
    });
    return exchange;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #send(type: "override" | "override-request", recipient: Hex32, body: Uint8Array): Promise<void> {
    await this.#bus.publish(SendToPeer, { type }, { recipient, body });
  }
}
