import type { Rng } from "@soma/base";
import {
  applyUpdate,
  checkpointDigest,
  type LedgerUpdate,
  LightClient,
  type VerifiedFacts,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { networkVerifier } from "./network-crypto.ts";
import type { NetworkWorld } from "./world.ts";

const ASK_MS = 300;

/** Follows the ledger by the real light client over validators that may lie (LEDGER-6). */
export class Follower {
  readonly #world: NetworkWorld;
  readonly #node: string;
  readonly #rng: Rng;
  readonly #onFacts: (facts: VerifiedFacts) => void;
  #light: LightClient;
  #life = 0;
  #lastNewsMs = 0;

  constructor(world: NetworkWorld, node: string, rng: Rng, onFacts: (facts: VerifiedFacts) => void) {
    this.#world = world;
    this.#node = node;
    this.#rng = rng;
    this.#onFacts = onFacts;
    this.#light = this.#open(null);
  }

  get light(): LightClient {
    return this.#light;
  }

  #open(saved: Uint8Array | null): LightClient {
    const { file, deviation } = this.#world;
    const verifier = deviation.trustsValidators ? { ...networkVerifier, bls: () => true } : networkVerifier;
    const made =
      saved === null ? LightClient.fromGenesis(file, verifier) : LightClient.restore(saved, file, verifier);
    if (!made.ok) throw new Error(made.code);
    return made.value;
  }

  start(): void {
    this.#ask(++this.#life);
  }

  /** The process dies; what it had taken is on its disk. */
  crash(): void {
    this.#life += 1;
    this.#light = this.#open(this.#light.save());
  }

  #ask(life: number): void {
    if (life !== this.#life) return;
    const { nowMs } = this.#world.scheduler;
    if (nowMs - this.#lastNewsMs >= ASK_MS) this.#askNow();
    this.#world.scheduler.after(ASK_MS, () => this.#ask(life));
  }

  #askNow(): void {
    const after = this.#light.head?.sequence ?? 0n;
    const { links, ids } = this.#world;
    for (const to of this.#rng.shuffle(ids).slice(0, 2))
      links.send(this.#node, to, { type: "ask-updates", after });
  }

  take(updates: readonly LedgerUpdate[]): void {
    for (const update of updates) {
      const { sequence } = update.certificate.checkpoint;
      const head = this.#light.head?.sequence ?? 0n;
      if (sequence <= head) continue;
      // It could begin anywhere in an epoch; here it wants to know everything.
      if (sequence > head + 1n) {
        this.#askNow();
        return;
      }
      const facts = applyUpdate(this.#light, update);
      if (!facts.ok) {
        this.#world.coverage.forgedUpdates += 1;
        return;
      }
      this.#lastNewsMs = this.#world.scheduler.nowMs;
      const digest = checkpointDigest(SIM_CHAIN, update.certificate.checkpoint);
      this.#world.auditor.believed(this.#node, sequence, digest);
      this.#onFacts(facts.value);
    }
  }
}
