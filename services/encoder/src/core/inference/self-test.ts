import { bytesEqual, err, ok, type Result, utf8 } from "@soma/base";
import type { MaskSettings } from "./item-rows.ts";

/** Vectors as an encoder would commit to them. */
interface Embedded {
  /** `vectorBytes` of every item's vectors in order, full, masks, inverses. */
  readonly vectors: Uint8Array;
  /** Of each item. */
  readonly masks: readonly number[];
}

/** Different texts of the length of a sentence or two. */
export const SELF_TEST_ITEMS: readonly Uint8Array[] = [
  "The tide turns twice a day, and the harbour empties while nobody looks at it.",
  "A lighthouse keeps its own hours, whatever the ships that pass in the night may think of them.",
  "Bread is baked in a hot oven; the crust is done when it sounds hollow, and the kitchen smells of it.",
  "The court found that the contract had been signed under threat, and that neither party was bound by what it promised.",
].map(utf8);

export function selfTestSettings(maxTokens: number): MaskSettings {
  return {
    chainId: "self-test",
    lastBlock: new Uint8Array(32).fill(1),
    beacon: new Uint8Array(32).fill(2),
    modality: "text",
    masks: 8,
    maxTokens,
  };
}

/**
 * Whether a model that answered so to `SELF_TEST_ITEMS` can take part in jobs. Refusal: MODEL_SELF_TEST, for vectors that
 * are zero or the same for different texts: their encoder would be scored last, and left out of each job, by its peers.
 */
export function checkSelfTest({ vectors, masks }: Embedded, dimension: number): Result<true> {
  const width = 2 * dimension;
  let at = 0;
  const fulls = masks.map((count) => {
    const full = vectors.subarray(at, at + width);
    at += width * (1 + 2 * count);
    return full;
  });
  for (const [i, full] of fulls.entries()) {
    if (full.every((byte) => byte === 0)) return err("MODEL_SELF_TEST", `its vector of text ${i} is zero`);
    const same = fulls.findIndex((other) => bytesEqual(other, full));
    if (same < i) return err("MODEL_SELF_TEST", `it has one vector for texts ${same} and ${i}`);
  }
  return ok(true);
}
