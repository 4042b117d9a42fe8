import { SomaError } from "@soma/base";
import { type HaltView, StateStatus } from "@soma/contracts";
import type { Bus } from "@soma/runtime";
import { ASKED } from "./context.ts";

/** How long an answer of state counts, in milliseconds. */
const FRESH_MS = 1_000;

/** Knows whether this validator's ledger is halted, asking at most once a second and only while somebody wants to know. */
export class HaltWatch {
  readonly #bus: Bus;
  #halt: Promise<HaltView | null> | undefined;
  #askedAt = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** @throws SomaError GATEWAY_HALTED while nothing can be executed here; a state that is away is not known to be halted */
  async assertRunning(): Promise<void> {
    const halt = await this.#newest();
    if (halt === null) return;
    const { stage, code, commit } = halt;
    throw new SomaError(
      "GATEWAY_HALTED",
      `this validator's ledger is halted at the ${stage} of commit ${commit} (${code}): nothing is executed until its ` +
        "operators mend or override it; ask another validator's gateway, or later",
      { members: { halt: { stage, code, commit: String(commit) } } },
    );
  }

  #newest(): Promise<HaltView | null> {
    const now = performance.now();
    if (this.#halt === undefined || now - this.#askedAt > FRESH_MS) {
      this.#askedAt = now;
      this.#halt = this.#ask();
    }
    return this.#halt;
  }

  async #ask(): Promise<HaltView | null> {
    const status = await this.#bus.request(StateStatus, {}, {}, { ...ASKED, timeoutMs: FRESH_MS });
    return status.ok ? status.value.halt : null;
  }
}
