import type { Result } from "@soma/base";
import { overrideDigest, type SignedOverride } from "@soma/protocol";
import type { HaltPoint } from "../core/index.ts";
import type { Overrides } from "./overrides.ts";
import type { SafeMode } from "./safe-mode.ts";

/** A step that was done by an override. */
export interface Overridden<T> {
  readonly done: T;
  readonly by: SignedOverride;
}

export interface HaltsOptions {
  readonly chainId: string;
  readonly overrides: Overrides;
  readonly safeMode: SafeMode;
  readonly signal: AbortSignal;
}

/** Has halted steps tried with the overrides that come. */
export class Halts {
  readonly #o: HaltsOptions;

  constructor(options: HaltsOptions) {
    this.#o = options;
  }

  /** Tries overrides as they come until one does it. Undefined if the service is stopped first. */
  async overcome<T>(
    point: HaltPoint,
    refusal: { readonly code: string; readonly message: string },
    attempt: (by: SignedOverride) => Promise<Result<T>>,
  ): Promise<Overridden<T> | undefined> {
    const { overrides, safeMode, signal } = this.#o;
    safeMode.enter(point, refusal);
    for (;;) {
      await overrides.wait();
      if (signal.aborted) return undefined;
      const done = await this.attempt(attempt);
      if (done !== undefined) return done;
    }
  }

  /** Tries the override that waits, if one does; undefined if none did it. */
  async attempt<T>(attempt: (by: SignedOverride) => Promise<Result<T>>): Promise<Overridden<T> | undefined> {
    const { overrides, safeMode, chainId } = this.#o;
    const by = overrides.candidate;
    if (by === null) return undefined;
    const tried = await attempt(by);
    overrides.tried(tried);
    if (!tried.ok) return undefined;
    safeMode.leave(overrideDigest(chainId, by.override));
    return { done: tried.value, by };
  }
}
