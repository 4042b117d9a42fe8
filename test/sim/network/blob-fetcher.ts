import type { Rng } from "@soma/base";
import type { Hex32 } from "@soma/protocol";
import { blobHash } from "./blob-shelf.ts";
import type { NetworkWorld } from "./world.ts";

const PATIENCE_MS = 250;

interface Wanted {
  readonly done: (bytes: Uint8Array | null) => void;
  left: string[];
  asked: string | null;
}

/** Fetches blobs by their hash from one validator's gateway after another; null when none has it. */
export class BlobFetcher {
  readonly #world: NetworkWorld;
  readonly #node: string;
  readonly #rng: Rng;
  #wanted = new Map<Hex32, Wanted[]>();

  constructor(world: NetworkWorld, node: string, rng: Rng) {
    this.#world = world;
    this.#node = node;
    this.#rng = rng;
  }

  restart(): void {
    this.#wanted = new Map();
  }

  fetch(hash: Hex32, done: (bytes: Uint8Array | null) => void): void {
    const wanted: Wanted = { done, left: this.#rng.shuffle(this.#world.ids), asked: null };
    const others = this.#wanted.get(hash);
    if (others === undefined) this.#wanted.set(hash, [wanted]);
    else others.push(wanted);
    this.#next(hash, wanted);
  }

  #next(hash: Hex32, wanted: Wanted): void {
    const to = wanted.left.pop();
    if (to === undefined) {
      this.#drop(hash, wanted);
      wanted.done(null);
      return;
    }
    wanted.asked = to;
    this.#world.links.send(this.#node, to, { type: "ask-blob", hash });
    this.#world.scheduler.after(PATIENCE_MS, () => {
      const isWaiting = this.#wanted.get(hash)?.includes(wanted) === true;
      if (isWaiting && wanted.asked === to) this.#next(hash, wanted);
    });
  }

  /** An answer; one that is not the blob counts as none. */
  answered(hash: Hex32, bytes: Uint8Array | null): void {
    const waiting = this.#wanted.get(hash) ?? [];
    if (bytes !== null && blobHash(bytes) === hash) {
      this.#wanted.delete(hash);
      for (const { done } of waiting) done(bytes);
      return;
    }
    for (const wanted of [...waiting]) this.#next(hash, wanted);
  }

  #drop(hash: Hex32, wanted: Wanted): void {
    const left = (this.#wanted.get(hash) ?? []).filter((one) => one !== wanted);
    if (left.length === 0) this.#wanted.delete(hash);
    else this.#wanted.set(hash, left);
  }
}
