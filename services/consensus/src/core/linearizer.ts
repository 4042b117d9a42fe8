import { compareHex } from "@soma/base";
import type { BlockRef } from "@soma/protocol";
import type { DagBlock, DagStore } from "./dag-store.ts";

/** Order of blocks in a sub-DAG (CONS-5): round, author index, digest. */
export function compareRefs(a: BlockRef, b: BlockRef): number {
  return a.round - b.round || a.author - b.author || compareHex(a.digest, b.digest);
}

/** The gc round (CONS-5): `depth` rounds below the leader of the previous commit; 0 keeps all but the genesis blocks. */
export function gcRoundAfter(previousLeaderRound: number, depth: number | null): number {
  return depth === null ? 0 : Math.max(0, previousLeaderRound - depth);
}

/** History of `leader` that no commit has output, above `gcRound`, the leader included; in no particular order. */
export function uncommittedHistory(dag: DagStore, leader: DagBlock, gcRound: number): DagBlock[] {
  const found = [leader];
  const seen = new Set<string>([leader.ref.digest]);
  for (let i = 0; i < found.length; i++) {
    for (const parent of found[i]!.parents) {
      const { ref } = parent;
      if (ref.round <= gcRound || seen.has(ref.digest) || dag.isCommitted(ref)) continue;
      seen.add(ref.digest);
      found.push(parent);
    }
  }
  return found;
}
