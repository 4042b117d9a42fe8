import { err, ok, type Result, SomaError } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  decodeSignedOverride,
  type HaltStage,
  type Override,
  overrideDigest,
  type SignedOverride,
  stageOf,
  verifyOverride,
} from "@soma/protocol";
import { type Ledger, overrideFits } from "../core/index.ts";
import type { SafeMode } from "./safe-mode.ts";
import type { StateStore } from "./store.ts";

/** Later commits that overrides are kept for. */
const MAX_KEPT = 16;

export type OverrideOutcome = "applied" | "kept" | "known";

interface Candidate {
  readonly signed: SignedOverride;
  readonly tried: (outcome: Result<true>) => void;
}

export interface OverridesOptions {
  readonly ledger: Ledger;
  readonly verifier: SignatureVerifier;
  readonly store: StateStore;
  readonly safeMode: SafeMode;
  readonly signal: AbortSignal;
}

/** The signed overrides that this validator knows: those that it applied, and those for commits to come. */
export class Overrides {
  readonly #o: OverridesOptions;
  readonly #known = new Map<string, SignedOverride>();
  #candidate: Candidate | null = null;
  #came = Promise.withResolvers<void>();

  private constructor(options: OverridesOptions) {
    this.#o = options;
    options.signal.addEventListener("abort", () => this.#came.resolve(), { once: true });
  }

  /** @throws SomaError STATE_STORE for a stored override that does not decode */
  static async open(options: OverridesOptions): Promise<Overrides> {
    const overrides = new Overrides(options);
    for (const bytes of await options.store.overrides()) {
      const signed = decodeSignedOverride(bytes);
      if (!signed.ok) throw new SomaError("STATE_STORE", `a stored override: ${signed.message}`);
      overrides.#known.set(keyOf(signed.value.override), signed.value);
    }
    return overrides;
  }

  /** What was decided for this step of a commit. */
  of(commit: bigint, stage: HaltStage): Override | undefined {
    return this.#known.get(`${commit} ${stage}`)?.override;
  }

  /** For a peer that stands before this commit. */
  from(commit: bigint): SignedOverride[] {
    return [...this.#known.values()].filter(({ override }) => override.commit >= commit);
  }

  /**
   * Checks an override, has the halted ledger try it, or keeps it for its commit. Refusals: those of
   * `decodeSignedOverride` and `verifyOverride`, OVERRIDE_POINT, OVERRIDE_PAST, OVERRIDE_OTHER, OVERRIDE_BUSY,
   * OVERRIDE_MANY, and what the ledger says.
   */
  async submit(bytes: Uint8Array): Promise<Result<OverrideOutcome>> {
    const { ledger, verifier, safeMode, store } = this.#o;
    const decoded = decodeSignedOverride(bytes);
    if (!decoded.ok) return decoded;
    const signed = decoded.value;
    const { override } = signed;
    const known = this.#known.get(keyOf(override));
    if (known !== undefined) {
      const isSame =
        overrideDigest(ledger.chainId, known.override) === overrideDigest(ledger.chainId, override);
      return isSame ? ok("known") : err("OVERRIDE_OTHER", `commit ${override.commit} has another override`);
    }
    const past = this.#pastOf(override);
    if (past !== null) return past;
    const epoch = ledger.epoch(override.epoch);
    if (epoch === undefined) return err("OVERRIDE_EPOCH", `epoch ${override.epoch} is not reached here yet`);
    const verified = verifyOverride(ledger.chainId, signed, epoch, verifier);
    if (!verified.ok) return verified;
    const { halt } = safeMode;
    if (halt === null || halt.commit < override.commit) {
      if (this.from(ledger.settledHead.commit + 1n).length >= MAX_KEPT) {
        return err("OVERRIDE_MANY", `${MAX_KEPT} overrides of later commits are kept already`);
      }
      await store.keepOverride(signed);
      this.#known.set(keyOf(override), signed);
      return ok("kept");
    }
    const fits = overrideFits(halt, override);
    if (!fits.ok) return fits;
    if (this.#candidate !== null) return err("OVERRIDE_BUSY", "another override is being tried; try again");
    const tried = await new Promise<Result<true>>((resolve) => {
      this.#candidate = { signed, tried: resolve };
      this.#came.resolve();
    });
    return tried.ok ? ok("applied") : tried;
  }

  /** Resolves when there is something to try, when the service stops, or after `ms` if given. */
  async wait(ms?: number): Promise<void> {
    if (this.#candidate !== null || this.#o.signal.aborted) return;
    const came = Promise.withResolvers<void>();
    this.#came = came;
    const timer = ms === undefined ? undefined : setTimeout(() => came.resolve(), ms);
    await came.promise;
    clearTimeout(timer);
  }

  /** The override to try at the present halt. */
  get candidate(): SignedOverride | null {
    return this.#candidate?.signed ?? null;
  }

  /** What the ledger made of the candidate; if it took it, it is being stored with its commit. */
  tried(outcome: Result<unknown>): void {
    const candidate = this.#candidate;
    if (candidate === null) return;
    this.#candidate = null;
    if (outcome.ok) this.#known.set(keyOf(candidate.signed.override), candidate.signed);
    candidate.tried(outcome.ok ? ok(true) : outcome);
  }

  #pastOf(override: Override): Result<never> | null {
    const head = this.#o.ledger.settledHead;
    const isSettling = head.closing && head.commit === override.commit && stageOf(override) === "settlement";
    if (override.commit > head.commit || isSettling) return null;
    return err(
      "OVERRIDE_PAST",
      `commit ${override.commit} is executed here: the ledger is at ${head.commit}`,
    );
  }
}

export function keyOf(override: Override): string {
  return `${override.commit} ${stageOf(override)}`;
}
