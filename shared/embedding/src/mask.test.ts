import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyMask,
  distinctMasks,
  drawMasks,
  MASK_PERCENT,
  type MaskModality,
  type MaskRequest,
  maskCount,
} from "./mask.ts";

const request: MaskRequest = {
  chainId: "test",
  block: new Uint8Array(32).fill(1),
  beacon: new Uint8Array(32).fill(2),
  dataHash: new Uint8Array(32).fill(3),
  length: 20,
  modality: "text",
  masks: 8,
};

function drawn(change: Partial<MaskRequest> = {}): number[][] {
  const result = drawMasks({ ...request, ...change });
  if (!result.ok) throw new Error(result.code);
  return result.value;
}

/** The rule in another shape: all words of the stream in one list, and a list that shrinks as it is drawn. */
function secondDraw({ block, beacon, dataHash, length, modality, masks }: MaskRequest): number[][] {
  const out: number[][] = [];
  const possible = distinctMasks(length, maskCount(length, MASK_PERCENT[modality]), masks);
  for (let j = 0; j < possible; j++) {
    const words: number[] = [];
    for (let c = 0; c < 4000; c++) {
      const tail = Buffer.alloc(8);
      tail.writeUInt32BE(j, 0);
      tail.writeUInt32BE(c, 4);
      const digest = createHash("sha256")
        .update(Buffer.concat([Buffer.from("soma.mask\0test\0"), block, beacon, dataHash, tail]))
        .digest();
      for (let i = 0; i < 32; i += 4) words.push(digest.readUInt32BE(i));
      if (words.length > 40 * length) break;
    }
    for (;;) {
      const places = Array.from({ length }, (_, i) => i);
      const taken: number[] = [];
      while (taken.length < maskCount(length, MASK_PERCENT[modality])) {
        const first = taken.length;
        const m = BigInt(length - first);
        let word = BigInt(words.shift()!);
        while (word >= ((1n << 32n) / m) * m) word = BigInt(words.shift()!);
        const at = first + Number(word % m);
        taken.push(places[at]!);
        places[at] = places[first]!;
      }
      taken.sort((a, b) => a - b);
      if (out.some((mask) => mask.join() === taken.join())) continue;
      out.push(taken);
      break;
    }
  }
  return out;
}

describe("maskCount (MASK-1)", () => {
  it.each([
    [2, 15, 1], // floor(160/200) = 0, at least one
    [3, 15, 1], // floor(190/200) = 0
    [10, 15, 2], // 1.5 rounds up: floor(400/200)
    [100, 15, 15],
    [4096, 15, 614], // 614.4
    [2, 85, 1], // 1.7 rounds to 2, at most L-1
    [10, 85, 9], // 8.5
    [20, 90, 18],
    [7, 50, 4], // 3.5
  ])("L = %i at %i %% selects %i", (length, percent, count) => {
    expect(maskCount(length, percent)).toBe(count);
  });
});

describe("distinctMasks", () => {
  it.each([
    [5, 2, 100, 10],
    [10, 5, 1000, 252],
    [10, 9, 32, 10],
    [4096, 614, 32, 32],
    [2, 1, 8, 2],
  ])("C(%i, %i) up to %i is %i", (length, count, cap, ways) => {
    expect(distinctMasks(length, count, cap)).toBe(ways);
  });
});

describe("drawMasks (MASK-2)", () => {
  it("follows the rule as written a second time", () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.integer({ min: 2, max: 90 }),
        fc.constantFrom<MaskModality>("text", "image", "video", "audio"),
        (block, dataHash, length, modality) => {
          const asked = { ...request, block, dataHash, length, modality };
          expect(drawn(asked)).toEqual(secondDraw(asked));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("draws sorted, distinct masks of the stated size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 2, max: 32 }), (length, masks) => {
        const lists = drawn({ length, masks });
        const size = maskCount(length, 15);
        expect(lists).toHaveLength(distinctMasks(length, size, masks));
        expect(new Set(lists.map((list) => list.join())).size).toBe(lists.length);
        for (const list of lists) {
          expect(list).toHaveLength(size);
          expect(list.every((x, i) => x >= 0 && x < length && (i === 0 || list[i - 1]! < x))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("uses every mask there is when an item is short", () => {
    expect(drawn({ length: 3 }).toSorted()).toEqual([[0], [1], [2]]);
    expect(drawn({ length: 2 }).toSorted()).toEqual([[0], [1]]);
  });

  it("depends on each part of its seed", () => {
    const other = new Uint8Array(32).fill(9);
    const seen = [
      request,
      { chainId: "other" },
      { block: other },
      { beacon: other },
      { dataHash: other },
    ].map((change) => drawn(change).join(";"));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("gives the first masks the same lists whatever K is", () => {
    expect(drawn({ length: 60, masks: 8 }).slice(0, 3)).toEqual(drawn({ length: 60, masks: 3 }));
  });

  it("reaches every element about equally often", () => {
    const hits = new Array<number>(10).fill(0);
    for (let i = 0; i < 500; i++) {
      const dataHash = new Uint8Array(32);
      dataHash[0] = i & 255;
      dataHash[1] = i >> 8;
      for (const list of drawn({ length: 10, masks: 2, dataHash })) for (const x of list) hits[x]!++;
    }
    // 2000 draws over 10 elements: mean 200, standard deviation below 14.
    expect(Math.min(...hits)).toBeGreaterThan(140);
    expect(Math.max(...hits)).toBeLessThan(260);
  });

  it.each([
    [{ length: 1 }, "MASK_TOO_SHORT"],
    [{ length: 0 }, "MASK_TOO_SHORT"],
    [{ length: 2.5 }, "MASK_TOO_SHORT"],
    [{ length: Number.NaN }, "MASK_TOO_SHORT"],
    [{ length: 4097 }, "MASK_TOO_LONG"],
    [{ masks: 1 }, "MASK_COUNT"],
    [{ masks: 33 }, "MASK_COUNT"],
    [{ modality: "smell" as MaskModality }, "MASK_MODALITY"],
    [{ modality: "toString" as MaskModality }, "MASK_MODALITY"],
    [{ beacon: new Uint8Array(31) }, "MASK_SEED"],
  ])("refuses %j", (change, code) => {
    expect(drawMasks({ ...request, ...change })).toMatchObject({ ok: false, code });
  });
});

describe("applyMask (MASK-3)", () => {
  it("keeps the selected elements in the mask and the others in the inverse", () => {
    expect(applyMask([11, 12, 13, 14], [1, 3], 0)).toEqual({
      mask: Int32Array.of(0, 12, 0, 14),
      inverse: Int32Array.of(11, 0, 13, 0),
    });
  });
});
