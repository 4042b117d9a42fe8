import { invariant, SomaError } from "@soma/base";
import type { EpochInfo } from "@soma/protocol";
import type { StateStore } from "./store.ts";

/** The epochs that are in use: which is open, and whose committees sign what is not yet certified. */
export class Epochs {
  readonly #store: StateStore;
  readonly #infos = new Map<bigint, EpochInfo>();
  #opened: bigint;

  private constructor(store: StateStore, opened: bigint) {
    this.#store = store;
    this.#opened = opened;
  }

  /** @param current the ledger's own epoch; it is open unless its hand-over is not certified yet */
  static async load(store: StateStore, current: bigint): Promise<Epochs> {
    for (let opened = current; ; opened--) {
      const found = await store.epoch(opened);
      if (found === undefined) throw new SomaError("STATE_STORE", `epoch ${opened} is not stored`);
      if (!found.isOpen) continue;
      const epochs = new Epochs(store, opened);
      for (let epoch = opened; epoch <= current; epoch++) await epochs.#fetch(epoch);
      return epochs;
    }
  }

  /** The newest epoch whose hand-over is certified: what others may act on (CONS-10). */
  get opened(): EpochInfo {
    return this.infoOf(this.#opened);
  }

  /** An epoch that is in use: the opened one, those after it, and lately the one before. */
  infoOf(epoch: bigint): EpochInfo {
    const info = this.#infos.get(epoch);
    invariant(info !== undefined, "the epoch is in use");
    return info;
  }

  /** The ledger has turned to this epoch. */
  turned(info: EpochInfo): void {
    this.#infos.set(info.epoch, info);
  }

  /** The hand-over into this epoch is certified. */
  open(epoch: bigint): EpochInfo {
    this.#opened = epoch;
    for (const old of this.#infos.keys()) if (old + 1n < epoch) this.#infos.delete(old);
    return this.opened;
  }

  async #fetch(epoch: bigint): Promise<void> {
    const found = await this.#store.epoch(epoch);
    if (found === undefined) throw new SomaError("STATE_STORE", `epoch ${epoch} is not stored`);
    this.#infos.set(epoch, found.info);
  }
}
