import type { CommittedSubDag } from "@soma/consensus/core";
import {
  decodeSignedOverride,
  encodeSignedOverride,
  type HaltStage,
  type Override,
  type SignedOverride,
  stageOf,
  verifyOverride,
} from "@soma/protocol";
import { type HaltPoint, overrideFits } from "@soma/state/core";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { LedgerHost } from "./ledger-host.ts";
import { networkVerifier } from "./network-crypto.ts";
import type { NetworkWorld } from "./world.ts";

/** Where one validator's ledger stands still, the commits that wait behind it, and the overrides that it knows. */
export class HaltBook {
  readonly #world: NetworkWorld;
  readonly #ledgerHost: LedgerHost;
  #halt: HaltPoint | null = null;
  #stalled: CommittedSubDag[] = [];
  /** In the database: signed overrides, applied or kept for their commit. */
  readonly #known = new Map<string, SignedOverride>();

  constructor(world: NetworkWorld, ledgerHost: LedgerHost) {
    this.#world = world;
    this.#ledgerHost = ledgerHost;
  }

  get halt(): HaltPoint | null {
    return this.#halt;
  }

  of(commit: bigint, stage: HaltStage): Override | undefined {
    return this.#known.get(`${commit} ${stage}`)?.override;
  }

  /** For a peer that stands before this commit. */
  from(commit: bigint): Uint8Array[] {
    const later = [...this.#known.values()].filter(({ override }) => override.commit >= commit);
    return later.map(encodeSignedOverride);
  }

  standStill(committed: CommittedSubDag): HaltPoint {
    const { coverage } = this.#world;
    const halt = this.#ledgerHost.haltAt(committed);
    this.#halt = halt;
    this.#stalled = [committed];
    if (halt.stage === "settlement") coverage.haltsOfSettlement += 1;
    else coverage.haltsOfExecution += 1;
    return halt;
  }

  /** Whether this commit waits behind the halt. */
  holds(committed: CommittedSubDag): boolean {
    if (this.#halt === null) return false;
    if (committed.commit.index > this.#stalled.at(-1)!.commit.index) this.#stalled.push(committed);
    return true;
  }

  /** The commits that waited, to be tried again. */
  release(): readonly CommittedSubDag[] {
    const stalled = this.#stalled;
    this.restart();
    return stalled;
  }

  /** A new process: it halts again when it gets there. */
  restart(): void {
    this.#stalled = [];
    this.#halt = null;
  }

  /** Whether it is a new one that holds. */
  take(bytes: Uint8Array): boolean {
    const { coverage, deviation } = this.#world;
    const { ledger } = this.#ledgerHost;
    const decoded = decodeSignedOverride(bytes);
    if (!decoded.ok) return false;
    const { override } = decoded.value;
    const key = `${override.commit} ${stageOf(override)}`;
    const isSettling = this.#halt?.stage === "settlement" && this.#halt.commit === override.commit;
    if (this.#known.has(key) || (override.commit <= ledger.head.commit && !isSettling)) return false;
    const epoch = ledger.epoch(override.epoch);
    const isSigned =
      epoch !== undefined &&
      (deviation.overridesUnchecked || verifyOverride(SIM_CHAIN, decoded.value, epoch, networkVerifier).ok);
    const isLater = this.#halt === null || this.#halt.commit < override.commit;
    if (!isSigned || !(isLater || overrideFits(this.#halt!, override).ok)) {
      coverage.overridesRefused += 1;
      return false;
    }
    this.#known.set(key, decoded.value);
    return true;
  }
}
