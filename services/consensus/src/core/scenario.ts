import { err, ok, type Result } from "@soma/base";
import type { BlockBody } from "@soma/protocol";
import { BlockAcceptance } from "./block-acceptance.ts";
import { CONSENSUS_BOUNDS } from "./bounds.ts";
import { type DagBlock, DagStore } from "./dag-store.ts";
import type { Decision } from "./decision-rules.ts";
import { Ordering } from "./ordering.ts";
import { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
import { committeeOf } from "./support.ts";
import type { VerifiedBlock } from "./verified-block.ts";

const MAX_BLOCKS = 100_000;

/** A block of a DAG scenario (CONFORMANCE, "DAG scenarios"): ids stand in for digests. */
export interface ScenarioBlock {
  readonly id: string;
  readonly author: number;
  readonly round: number;
  readonly ancestors: readonly string[];
  readonly ts: number;
}

/** Input of `consensus.decide`. */
export interface DecideInput {
  readonly stakes: readonly (number | string)[];
  readonly gcDepth: number | null;
  readonly schedule: Readonly<Record<string, never>>;
  readonly blocks: readonly ScenarioBlock[];
  readonly upToRound: number;
  readonly exclude?: readonly string[];
}

export interface DecideOutput {
  readonly decisions: Record<string, { status: Decision["status"]; block?: string; via?: string }>;
  readonly commits: { index: number; leader: string; blocks: string[]; timestamp: number }[];
}

/** The ordering half of the core, fed with scenario blocks one at a time, in any order. */
export class ScenarioRun {
  readonly #dag = new DagStore();
  readonly #stored: VerifiedBlock[] = [];
  readonly #acceptance: BlockAcceptance;
  readonly #ordering: Ordering;
  readonly #leaders: { leader(round: number): number };
  readonly #decided: Decision[] = [];
  readonly #commits: DecideOutput["commits"] = [];

  constructor(
    stakes: readonly bigint[],
    gcDepth: number | null,
    rules: ConsensusRules = CONSENSUS_RULES,
    /** A run that stopped: this one begins with what that one would have stored. */
    before?: ScenarioRun,
  ) {
    const committee = committeeOf(stakes, rules.quorum);
    const bounds = { ...CONSENSUS_BOUNDS, suspendedPerAuthor: MAX_BLOCKS };
    this.#acceptance = new BlockAcceptance(this.#dag, rules, bounds);
    for (const author of stakes.keys()) this.#dag.insert(scenarioBlock(genesisId(author), 0, author, [], 0));
    this.#leaders = { leader: (round) => round % stakes.length };
    this.#ordering = new Ordering({
      dag: this.#dag,
      committee,
      rules,
      gcDepth,
      position: before === undefined ? { leaderRound: 0, timestampMs: 0n } : before.#ordering.position,
      onDecided: (decision) => this.#decided.push(decision),
    });
    if (before !== undefined) this.#restore(before);
  }

  receive(block: VerifiedBlock): void {
    const accepted: DagBlock[] = [];
    this.#acceptance.receive(block, accepted);
    for (const { block } of accepted) this.#stored.push(block);
  }

  /** Commits what is decided by now. */
  advance(): void {
    for (;;) {
      const ordered = this.#ordering.next(this.#leaders);
      if (ordered === null) return;
      this.#commits.push({
        index: this.#commits.length + 1,
        leader: ordered.leader.ref.digest,
        blocks: ordered.blocks.map(({ ref }) => ref.digest),
        timestamp: Number(ordered.timestampMs),
      });
      this.#collect();
    }
  }

  output(): DecideOutput {
    const decisions: DecideOutput["decisions"] = {};
    for (const decision of [...this.#decided, ...this.#ordering.open(this.#leaders)]) {
      const { round, status } = decision;
      decisions[`${letter(this.#leaders.leader(round))}${round}`] = {
        status,
        ...(status === "commit" ? { block: decision.block.ref.digest } : {}),
        ...(status === "undecided" ? {} : { via: decision.via }),
      };
    }
    return { decisions, commits: this.#commits };
  }

  #collect(): void {
    const { gcRound } = this.#ordering;
    if (gcRound === 0) return;
    const released: DagBlock[] = [];
    this.#acceptance.collect(gcRound, released);
    for (const { block } of released) this.#stored.push(block);
    this.#dag.evict(gcRound);
  }

  #restore(before: ScenarioRun): void {
    this.#commits.push(...before.#commits);
    this.#collect();
    for (const block of before.#stored) {
      if (before.#dag.isCommitted(block.ref)) this.#dag.markCommitted(block.ref);
      this.receive(block);
    }
    // Skips after the last commit are not stored: they are found again.
    const { leaderRound } = this.#ordering.position;
    this.#decided.push(...before.#decided.filter(({ round }) => round <= leaderRound));
  }
}

/** The blocks that a phase feeds, in the order given, checked. Refuses with `CONFORMANCE_INPUT`. */
export function scenarioBlocks(input: DecideInput): Result<VerifiedBlock[]> {
  if (input.blocks.length > MAX_BLOCKS) return err("CONFORMANCE_INPUT", `more than ${MAX_BLOCKS} blocks`);
  const size = input.stakes.length;
  const known = new Map<string, { round: number; author: number }>();
  for (let author = 0; author < size; author++) known.set(genesisId(author), { round: 0, author });
  const excluded = new Set(input.exclude ?? []);
  const blocks: VerifiedBlock[] = [];
  for (const { id, author, round, ancestors, ts } of input.blocks) {
    if (known.has(id)) return err("CONFORMANCE_INPUT", `block ${id} stands twice`);
    if (!(isIndex(author) && author < size && isIndex(round) && round > 0 && Number.isSafeInteger(ts))) {
      return err("CONFORMANCE_INPUT", `block ${id} is malformed`);
    }
    const refs: { round: number; author: number; digest: string }[] = [];
    for (const ancestor of ancestors) {
      const ref = known.get(ancestor);
      if (ref === undefined || ref.round >= round) {
        return err("CONFORMANCE_INPUT", `block ${id} lists ${ancestor}, which is not before it`);
      }
      refs.push({ ...ref, digest: ancestor });
    }
    known.set(id, { round, author });
    if (round <= input.upToRound && !excluded.has(id))
      blocks.push(scenarioBlock(id, round, author, refs, ts));
  }
  return ok(blocks);
}

/** A block named by its id. */
export function scenarioBlock(
  digest: string,
  round: number,
  author: number,
  ancestors: readonly { round: number; author: number; digest: string }[],
  ts: number,
): VerifiedBlock {
  const body: BlockBody = {
    epoch: 0n,
    round,
    author,
    timestampMs: BigInt(ts),
    ancestors: [...ancestors],
    transactions: [],
    commitVotes: [],
    vrfProof: new Uint8Array(0),
  };
  return { ref: { round, author, digest }, body, bytes: new Uint8Array(0) };
}

function letter(author: number): string {
  return String.fromCharCode(65 + author);
}

/** `A0`, `B0`, ... */
export function genesisId(author: number): string {
  return `${letter(author)}0`;
}

/** A u32. */
export function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
