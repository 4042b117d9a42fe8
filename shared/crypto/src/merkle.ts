import { atOnce, bytesEqual, type Sliced } from "@soma/base";
import { sha256 } from "./hash.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

const leafHash = (leaf: Uint8Array) => sha256(LEAF, leaf);
const nodeHash = (left: Uint8Array, right: Uint8Array) => sha256(NODE, left, right);

/**
 * One level up. An unpaired last node rises unchanged: with that, pairing from the left gives the same tree
 * as RFC 6962's split at the largest power of two below the count.
 */
function* parents(level: readonly Uint8Array[]): Sliced<Uint8Array[]> {
  const out: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const right = level[i + 1];
    out.push(right === undefined ? level[i]! : nodeHash(level[i]!, right));
    yield;
  }
  return out;
}

function* leafHashes(leaves: readonly Uint8Array[]): Sliced<Uint8Array[]> {
  const out: Uint8Array[] = [];
  for (const leaf of leaves) {
    out.push(leafHash(leaf));
    yield;
  }
  return out;
}

/** Merkle tree hash of RFC 6962 section 2.1 (MERKLE-1), 32 bytes; sha256 of nothing for no leaves. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return atOnce(merkleRootSliced(leaves));
}

/** `merkleRoot` of leaves that may be thousands. */
export function* merkleRootSliced(leaves: readonly Uint8Array[]): Sliced<Uint8Array> {
  if (leaves.length === 0) return sha256();
  let level = yield* leafHashes(leaves);
  while (level.length > 1) level = yield* parents(level);
  return level[0]!;
}

/**
 * Audit path of RFC 6962 section 2.1.1: the siblings from the leaf upward, 32 bytes each.
 * @throws RangeError when there is no leaf `index`.
 */
export function merklePath(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  return merklePaths(leaves, [index])[0]!;
}

/** The audit paths of several leaves, in the order of `indices`; the tree is hashed once. Else as `merklePath`. */
export function merklePaths(leaves: readonly Uint8Array[], indices: readonly number[]): Uint8Array[][] {
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
      throw new RangeError(`no leaf ${index} among ${leaves.length}`);
    }
  }
  const paths = indices.map((): Uint8Array[] => []);
  let at = [...indices];
  for (let level = leaves.map(leafHash); level.length > 1; level = atOnce(parents(level))) {
    for (const [i, place] of at.entries()) {
      const sibling = level[place % 2 === 0 ? place + 1 : place - 1];
      if (sibling !== undefined) paths[i]!.push(sibling);
    }
    at = at.map((place) => Math.floor(place / 2));
  }
  return paths;
}

/** A claim that `leaf` is leaf `index` of the `count` leaves under `root`. */
export interface MerkleProof {
  readonly leaf: Uint8Array;
  readonly index: number;
  /** Signed together with the root, so that a path cannot be read in a tree of another shape. */
  readonly count: number;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Decides a Merkle proof; false, never an exception, for a path of the wrong length or width. */
export function verifyMerklePath({ leaf, index, count, path, root }: MerkleProof): boolean {
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(index) || index < 0 || index >= count)
    return false;
  let hash = leafHash(leaf);
  let used = 0;
  // `at` is the node's place in its level and `last` the place of the level's last node.
  for (let at = index, last = count - 1; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
    if (at === last && at % 2 === 0) continue;
    const sibling = path[used++];
    if (sibling?.length !== 32) return false;
    hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
  }
  return used === path.length && bytesEqual(hash, root);
}
