import { SomaError } from "@soma/base";
import { bcs, byteString } from "@soma/codec";
import { merklePath } from "@soma/crypto";
import { CheckpointLeafCodec, type Digest } from "@soma/protocol";

/** The leaves of one checkpoint in order, as they are stored. */
export const LeafListCodec = bcs.vector(byteString);

/** A leaf with the way to its checkpoint's effects root. */
export interface ProvenLeaf {
  readonly leaf: Uint8Array;
  readonly leafIndex: number;
  readonly path: Uint8Array[];
}

/** The leaves of one checkpoint, findable by what they are about. */
export class LeafList {
  readonly #leaves: readonly Uint8Array[];
  readonly #places = new Map<string, number>();

  /** From the stored list. */
  constructor(stored: Uint8Array) {
    this.#leaves = LeafListCodec.parse(stored);
    for (const [index, bytes] of this.#leaves.entries()) {
      const leaf = CheckpointLeafCodec.parse(bytes);
      if (leaf.$kind === "Transaction") this.#places.set(leaf.Transaction.digest, index);
      else if (leaf.$kind === "Commit") this.#places.set(`commit ${leaf.Commit.index}`, index);
    }
  }

  transaction(digest: Digest): ProvenLeaf {
    return this.#prove(digest);
  }

  commit(index: bigint): ProvenLeaf {
    return this.#prove(`commit ${index}`);
  }

  #prove(name: string): ProvenLeaf {
    const leafIndex = this.#places.get(name);
    if (leafIndex === undefined) {
      throw new SomaError("STATE_STORE", `the checkpoint that covers ${name} has no leaf of it`);
    }
    return { leaf: this.#leaves[leafIndex]!, leafIndex, path: merklePath(this.#leaves, leafIndex) };
  }
}

/** Checkpoints whose leaves stay decoded: questions are nearly always about the last ones. */
const CACHED = 16;

/** The leaves of the checkpoints that were asked about last. */
export class LeafLists {
  readonly #lists = new Map<bigint, LeafList>();

  async of(sequence: bigint, stored: () => Promise<Uint8Array>): Promise<LeafList> {
    const known = this.#lists.get(sequence);
    if (known !== undefined) return known;
    const list = new LeafList(await stored());
    this.#lists.set(sequence, list);
    if (this.#lists.size > CACHED) this.#lists.delete(this.#lists.keys().next().value!);
    return list;
  }
}
