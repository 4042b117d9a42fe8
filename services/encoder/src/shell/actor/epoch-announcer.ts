import { EpochProven } from "@soma/contracts";
import type { EpochInfo } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import type { Logger } from "@soma/telemetry";

/** For a peering that started later, or again. */
const AGAIN_MS = 10_000;

/** Tells this operator's peering which epoch the light client has proven: who may send envelopes, under which keys. */
export class EpochAnnouncer {
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #newest: EpochInfo | undefined;

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus;
    this.#log = log;
    this.#timer = setInterval(() => void this.#tell(), AGAIN_MS);
  }

  /** An epoch's facts, proven; told at once if they are new. */
  async proven(info: EpochInfo): Promise<void> {
    if (this.#newest !== undefined && info.epoch <= this.#newest.epoch) return;
    this.#newest = info;
    await this.#tell();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #tell(): Promise<void> {
    if (this.#newest === undefined) return;
    await this.#bus.publish(EpochProven, {}, this.#newest).catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, "the proven epoch was not told");
    });
  }
}
