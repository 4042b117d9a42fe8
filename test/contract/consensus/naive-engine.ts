import type { DecideOutput, ScenarioBlock } from "@soma/consensus/core";

/** A view as the naive engine takes it. */
export interface NaiveView {
  readonly stakes: readonly number[];
  readonly gcDepth: number | null;
  readonly blocks: readonly ScenarioBlock[];
}

type Slot =
  | { status: "commit"; block: ScenarioBlock; via: string }
  | { status: "skip"; via: string }
  | { status: "undecided" };

const letter = (author: number) => String.fromCharCode(65 + author);

/** CONS-3 to CONS-6 word by word, over plain arrays, with nothing kept between two questions. */
export function naiveDecide({ stakes, gcDepth, blocks }: NaiveView): DecideOutput {
  const total = stakes.reduce((a, b) => a + b, 0);
  const isQuorum = (some: readonly ScenarioBlock[]) => 3 * stakeOf(some) > 2 * total;
  const stakeOf = (some: readonly ScenarioBlock[]) =>
    [...new Set(some.map(({ author }) => author))].reduce((sum, author) => sum + stakes[author]!, 0);
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const at = (round: number) => blocks.filter((block) => block.round === round);
  const leader = (round: number) => round % stakes.length;
  const slot = (round: number) => at(round).filter(({ author }) => author === leader(round));
  const parents = (block: ScenarioBlock) =>
    block.ancestors.map((id) => byId.get(id)).filter((parent) => parent !== undefined);
  const votes = (b: ScenarioBlock) => at(b.round + 1).filter(({ ancestors }) => ancestors.includes(b.id));
  const certifies = (x: ScenarioBlock, b: ScenarioBlock) =>
    isQuorum(votes(b).filter(({ id }) => x.ancestors.includes(id)));
  const history = (block: ScenarioBlock): Set<ScenarioBlock> => {
    const seen = new Set([block]);
    for (const known of seen) for (const parent of parents(known)) seen.add(parent);
    return seen;
  };
  const highest = Math.max(0, ...blocks.map(({ round }) => round));

  const slots = new Map<number, Slot>();
  for (let round = highest - 2; round >= 1; round--) slots.set(round, decideSlot(round));

  function decideSlot(round: number): Slot {
    const candidates = slot(round);
    const blames = (b: ScenarioBlock) => at(round + 1).filter(({ ancestors }) => !ancestors.includes(b.id));
    const isSkipped =
      candidates.length === 0 ? isQuorum(at(round + 1)) : candidates.every((b) => isQuorum(blames(b)));
    if (isSkipped) return { status: "skip", via: "direct" };
    for (const b of candidates) {
      if (isQuorum(at(round + 2).filter((x) => certifies(x, b)))) {
        return { status: "commit", block: b, via: "direct" };
      }
    }
    for (let r = round + 3; r <= highest - 2; r++) {
      const anchor = slots.get(r)!;
      if (anchor.status === "skip") continue;
      if (anchor.status === "undecided") return { status: "undecided" };
      const known = history(anchor.block);
      const certified = candidates.find((b) => at(round + 2).some((x) => known.has(x) && certifies(x, b)));
      return certified === undefined
        ? { status: "skip", via: "indirect" }
        : { status: "commit", block: certified, via: "indirect" };
    }
    return { status: "undecided" };
  }

  const output = new Set<ScenarioBlock>();
  const commits: DecideOutput["commits"] = [];
  let lastLeader = 0;
  for (let round = 1; round <= highest - 2; round++) {
    const decided = slots.get(round)!;
    if (decided.status === "undecided") break;
    if (decided.status === "skip") continue;
    const gcRound = gcDepth === null ? 0 : lastLeader - gcDepth;
    const reached = reach(decided.block, gcRound);
    for (const block of reached) output.add(block);
    const medianTs = median(parents(decided.block).filter((parent) => parent.round === round - 1));
    commits.push({
      index: commits.length + 1,
      leader: decided.block.id,
      blocks: reached.sort(order).map(({ id }) => id),
      timestamp: Math.max(medianTs, commits.at(-1)?.timestamp ?? 0),
    });
    lastLeader = round;
  }

  function reach(from: ScenarioBlock, gcRound: number): ScenarioBlock[] {
    const seen = new Set([from]);
    for (const known of seen) {
      for (const parent of parents(known)) {
        if (parent.round > gcRound && !output.has(parent)) seen.add(parent);
      }
    }
    return [...seen];
  }

  /** The middle of the list in which each timestamp stands as often as its author's stake; genesis is 0. */
  function median(voters: readonly ScenarioBlock[]): number {
    const list = voters.flatMap(({ author, ts }) => Array.from({ length: stakes[author]! }, () => ts));
    list.sort((a, b) => a - b);
    return list[Math.floor(list.length / 2)] ?? 0;
  }

  const decisions: DecideOutput["decisions"] = {};
  for (const [round, decided] of slots) {
    decisions[`${letter(leader(round))}${round}`] =
      decided.status === "commit" ? { status: "commit", block: decided.block.id, via: decided.via } : decided;
  }
  return { decisions, commits };
}

function order(a: ScenarioBlock, b: ScenarioBlock): number {
  return a.round - b.round || a.author - b.author || (a.id < b.id ? -1 : 1);
}
