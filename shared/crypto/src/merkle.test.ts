import { fromHex, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "./hash.ts";
import { merklePath, merkleRoot, verifyMerklePath } from "./merkle.ts";

// The eight leaves and roots of the RFC's reference implementation (certificate-transparency).
const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map(fromHex);
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** RFC 6962 section 2.1 as it is written: split at the largest power of two below n. */
function definition(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]!);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1), definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

describe("MERKLE-1", () => {
  test("the roots of the RFC's reference implementation", () => {
    expect(ROOTS.map((_, i) => toHex(merkleRoot(LEAVES.slice(0, i + 1))))).toEqual(ROOTS);
    expect(toHex(merkleRoot([]))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("the audit path of RFC 6962 section 2.1.3 for seven leaves", () => {
    const leaf = (i: number) => sha256(Uint8Array.of(0), LEAVES[i]!);
    const node = (...h: Uint8Array[]) => sha256(Uint8Array.of(1), ...h);
    const seven = LEAVES.slice(0, 7);
    const [g, h] = [node(leaf(0), leaf(1)), node(leaf(2), leaf(3))];
    expect(merklePath(seven, 0)).toEqual([leaf(1), h, node(node(leaf(4), leaf(5)), leaf(6))]);
    expect(merklePath(seven, 6)).toEqual([node(leaf(4), leaf(5)), node(g, h)]);
  });

  test("every leaf of every tree up to 40 proves itself, and its place, and nothing else", () => {
    for (let count = 1; count <= 40; count++) {
      const leaves = Array.from({ length: count }, (_, i) => Uint8Array.of(i));
      const root = merkleRoot(leaves);
      expect(root).toEqual(definition(leaves));
      for (let index = 0; index < count; index++) {
        const path = merklePath(leaves, index);
        const proof = { leaf: leaves[index]!, index, count, path, root };
        expect(verifyMerklePath(proof)).toBe(true);
        expect(verifyMerklePath({ ...proof, leaf: Uint8Array.of(200) })).toBe(false);
        for (let other = 0; other < count; other++) {
          if (other !== index) expect(verifyMerklePath({ ...proof, index: other })).toBe(false);
        }
        expect(verifyMerklePath({ ...proof, path: [...path, root] })).toBe(false);
        if (path.length > 0) {
          expect(verifyMerklePath({ ...proof, path: path.slice(1) })).toBe(false);
          expect(verifyMerklePath({ ...proof, path: path.slice(0, -1) })).toBe(false);
          expect(verifyMerklePath({ ...proof, path: [path[0]!.slice(1), ...path.slice(1)] })).toBe(false);
        }
      }
    }
  });

  test("a node is no leaf: the second pre-image of plain trees is refused", () => {
    const leaves = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3), Uint8Array.of(4)];
    const inner = sha256(
      Uint8Array.of(1),
      sha256(Uint8Array.of(0), leaves[0]!),
      sha256(Uint8Array.of(0), leaves[1]!),
    );
    const right = merklePath(leaves, 0)[1]!;
    expect(
      verifyMerklePath({ leaf: inner, index: 0, count: 2, path: [right], root: merkleRoot(leaves) }),
    ).toBe(false);
  });

  test.each([[-1], [3], [0.5], [Number.NaN]])("there is no leaf %s of three", (index) => {
    const leaves = [0, 1, 2].map((i) => Uint8Array.of(i));
    expect(() => merklePath(leaves, index)).toThrow(RangeError);
    expect(verifyMerklePath({ leaf: leaves[0]!, index, count: 3, path: [], root: merkleRoot(leaves) })).toBe(
      false,
    );
  });

  test("any bytes get a decision, and a flipped bit is refused", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 70 }),
        fc.nat(),
        fc.nat(),
        (leaves, at, bit) => {
          const index = at % leaves.length;
          const path = merklePath(leaves, index);
          const root = merkleRoot(leaves);
          const proof = { leaf: leaves[index]!, index, count: leaves.length, path, root };
          expect(verifyMerklePath(proof)).toBe(true);
          const bent = path.map((hash) => Uint8Array.from(hash));
          if (bent.length === 0) return;
          bent[bit % bent.length]![bit % 32]! ^= 1 << (bit % 8);
          expect(verifyMerklePath({ ...proof, path: bent })).toBe(false);
        },
      ),
    );
  });
});
