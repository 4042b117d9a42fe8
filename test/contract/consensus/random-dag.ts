import type { Rng } from "@soma/base";
import type { ScenarioBlock } from "@soma/consensus/core";

/** A DAG as an adversary within the fault bound may make it, in the notation of CONFORMANCE, in a causal order. */
export interface RandomDag {
  readonly stakes: number[];
  readonly gcDepth: number | null;
  readonly blocks: ScenarioBlock[];
  readonly equivocations: number;
}

const letter = (author: number) => String.fromCharCode(65 + author);

/** Unequal stakes, equivocators below a third of them, silent rounds, parents barely a quorum, late links. */
export function randomDag(rng: Rng): RandomDag {
  const size = rng.between(4, 7);
  const stakes = Array.from({ length: size }, () => (rng.chance(0.5) ? 1 : rng.between(1, 5)));
  const total = stakes.reduce((a, b) => a + b, 0);
  const quorum = Math.floor((2 * total) / 3) + 1;
  const equivocators = new Set<number>();
  let faulty = 0;
  for (const author of rng.shuffle([...stakes.keys()])) {
    if (!rng.chance(0.6) || 3 * (faulty + stakes[author]!) >= total) continue;
    equivocators.add(author);
    faulty += stakes[author]!;
  }
  const blocks: ScenarioBlock[] = [];
  const byId = new Map<string, ScenarioBlock>();
  const add = (block: ScenarioBlock) => {
    blocks.push(block);
    byId.set(block.id, block);
  };
  // The last block of each author that another one may link, and what each author linked so far.
  const linked = stakes.map(() => new Map<number, number>());
  const own = stakes.map((_, author) => `${letter(author)}0`);
  let previous = stakes.map((_, author) => [`${letter(author)}0`]);
  const everBefore = new Map<number, string[]>();
  const reluctance = rng.pick([0, 0.2, 0.5, 0.8]);
  let equivocations = 0;
  for (let round = 1; round <= rng.between(10, 18); round++) {
    const made: string[][] = stakes.map(() => []);
    const silent = rng.chance(0.5) ? rng.below(size) : -1;
    for (const author of rng.shuffle([...stakes.keys()])) {
      if (author === silent) continue;
      const copies = equivocators.has(author) && rng.chance(0.5) ? rng.between(2, 3) : 1;
      for (let copy = 0; copy < copies; copy++) {
        const parents = pickParents();
        if (parents === null) break;
        const id = `${letter(author)}${round}${"'".repeat(made[author]!.length)}`;
        add({ id, author, round, ancestors: parents, ts: 1000 * round + rng.between(-900, 900) });
        if (made[author]!.length === 1) equivocations += 1;
        made[author]!.push(id);
      }
      if (made[author]!.length > 0) own[author] = rng.pick(made[author]!);

      function pickParents(): string[] | null {
        const parents = new Map<number, string>();
        let stake = 0;
        const mine = own[author]!;
        if (Number.parseInt(mine.slice(1), 10) === round - 1) stake += stakes[author]!;
        for (const other of rng.shuffle([...stakes.keys()])) {
          if (other === author || previous[other]!.length === 0) continue;
          if (stake >= quorum && rng.chance(reluctance)) continue;
          parents.set(other, rng.pick(previous[other]!));
          stake += stakes[other]!;
        }
        if (stake < quorum) return null;
        // Late links: to blocks of authors who were left out, as one that catches up would make them.
        for (const other of stakes.keys()) {
          if (other === author || parents.has(other) || !rng.chance(0.3)) continue;
          const older = (everBefore.get(other) ?? []).filter(
            (id) => byId.get(id)!.round > (linked[author]!.get(other) ?? 0),
          );
          if (older.length > 0) parents.set(other, rng.pick(older));
        }
        for (const [other, id] of parents) linked[author]!.set(other, byId.get(id)?.round ?? 0);
        return [mine, ...parents.values()];
      }
    }
    const stake = made.reduce((sum, ids, author) => sum + (ids.length > 0 ? stakes[author]! : 0), 0);
    for (const [author, ids] of made.entries()) {
      everBefore.set(author, [...(everBefore.get(author) ?? []), ...ids]);
    }
    previous = made;
    if (stake < quorum) break;
  }
  return { stakes, gcDepth: rng.pick([null, null, 3, 4, 6]), blocks, equivocations };
}

/** A causally closed part of a DAG: what one validator may know at some moment. Keeps the causal order. */
export function randomView(dag: RandomDag, rng: Rng): ScenarioBlock[] {
  const byId = new Map(dag.blocks.map((block) => [block.id, block]));
  const known = new Set<string>();
  const queue = rng.shuffle(dag.blocks).slice(0, rng.between(1, 4));
  for (const block of queue) {
    if (known.has(block.id)) continue;
    known.add(block.id);
    for (const id of block.ancestors) {
      const ancestor = byId.get(id);
      if (ancestor !== undefined) queue.push(ancestor);
    }
  }
  return dag.blocks.filter(({ id }) => known.has(id));
}
