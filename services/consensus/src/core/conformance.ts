import { err, ok, type Result } from "@soma/base";
import type { BlockBody } from "@soma/protocol";
import { BlockAcceptance } from "./block-acceptance.ts";
import { verifyBlock } from "./block-verification.ts";
import { CONSENSUS_BOUNDS } from "./bounds.ts";
import { type DagBlock, DagStore } from "./dag-store.ts";
import type { Decision } from "./decision-rules.ts";
import { Ordering } from "./ordering.ts";
import { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
import { committeeOf } from "./support.ts";
import { ThresholdClock } from "./threshold-clock.ts";
import type { VerifiedBlock } from "./verified-block.ts";

const MAX_VALIDATORS = 26;
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
  readonly #acceptance: BlockAcceptance;
  readonly #ordering: Ordering;
  readonly #leaders: { leader(round: number): number };
  readonly #decided: Decision[] = [];
  readonly #commits: DecideOutput["commits"] = [];

  constructor(stakes: readonly bigint[], gcDepth: number | null, rules: ConsensusRules = CONSENSUS_RULES) {
    const committee = committeeOf(stakes, rules.quorum);
    this.#acceptance = new BlockAcceptance(this.#dag, rules, {
      ...CONSENSUS_BOUNDS,
      suspendedPerAuthor: MAX_BLOCKS,
    });
    for (const author of stakes.keys()) this.#dag.insert(scenarioBlock(genesisId(author), 0, author, [], 0));
    this.#leaders = { leader: (round) => round % stakes.length };
    this.#ordering = new Ordering({
      dag: this.#dag,
      committee,
      rules,
      gcDepth,
      position: { leaderRound: 0, timestampMs: 0n },
      onDecided: (decision) => this.#decided.push(decision),
    });
  }

  receive(block: VerifiedBlock): void {
    this.#acceptance.receive(block, []);
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
      const { gcRound } = this.#ordering;
      if (gcRound === 0) continue;
      const released: DagBlock[] = [];
      this.#acceptance.collect(gcRound, released);
      this.#dag.evict(gcRound);
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

/** `consensus.decide`. */
export function decide(input: DecideInput, rules?: ConsensusRules): Result<DecideOutput> {
  const stakes = parseStakes(input.stakes);
  if (!stakes.ok) return stakes;
  if (Object.keys(input.schedule).length > 0) {
    return err("CONFORMANCE_INPUT", "only the schedule {} is known: round mod n");
  }
  if (input.gcDepth !== null && !(isIndex(input.gcDepth) && input.gcDepth > 0)) {
    return err("CONFORMANCE_INPUT", "gcDepth is null or a positive integer");
  }
  const blocks = scenarioBlocks(input);
  if (!blocks.ok) return blocks;
  const run = new ScenarioRun(stakes.value, input.gcDepth, rules);
  for (const block of blocks.value) run.receive(block);
  run.advance();
  return ok(run.output());
}

/** Input of `consensus.verifyBlock`: `refs` resolve ancestor ids to (round, author). */
export interface VerifyBlockInput {
  readonly stakes: readonly (number | string)[];
  readonly block: {
    readonly author: number;
    readonly round: number;
    readonly epoch?: number;
    readonly ancestors: readonly string[];
  };
  readonly refs: Readonly<Record<string, readonly [number, number]>>;
}

/** `consensus.verifyBlock`: the first failed check of CONS-2, signatures taken as good. */
export function checkBlock(input: VerifyBlockInput): Result<{ error: string | null }> {
  const stakes = parseStakes(input.stakes);
  if (!stakes.ok) return stakes;
  const { author, round, epoch = 0, ancestors } = input.block;
  if (!isIndex(author) || !isIndex(round) || !isIndex(epoch)) {
    return err("CONFORMANCE_INPUT", "author, round and epoch are non-negative integers");
  }
  const resolved: { round: number; author: number; digest: string }[] = [];
  for (const id of ancestors) {
    const ref = Object.hasOwn(input.refs, id) ? input.refs[id] : genesisRef(id, stakes.value.length);
    if (ref === undefined || !isIndex(ref[0]) || !isIndex(ref[1])) {
      return err("CONFORMANCE_INPUT", `ancestor ${id} is not among refs`);
    }
    resolved.push({ round: ref[0], author: ref[1], digest: id });
  }
  const body = { ...scenarioBlock("", round, author, resolved, 0).body, epoch: BigInt(epoch) };
  const error = verifyBlock(body, {
    epoch: 0n,
    committee: committeeOf(stakes.value, CONSENSUS_RULES.quorum),
    support: () => CONSENSUS_RULES.support(stakes.value),
    genesis: stakes.value.map((_, index) => genesisId(index)),
    isSigned: () => true,
  });
  return ok({ error });
}

/** `consensus.clock`. */
export function clockRounds(input: {
  readonly stakes: readonly (number | string)[];
  readonly start: number;
  readonly blocks: readonly (readonly [string, number])[];
}): Result<{ rounds: number[] }> {
  const stakes = parseStakes(input.stakes);
  if (!stakes.ok) return stakes;
  if (!isIndex(input.start)) return err("CONFORMANCE_INPUT", "start is a round");
  const { quorum } = committeeOf(stakes.value, CONSENSUS_RULES.quorum);
  const support = () => CONSENSUS_RULES.support(stakes.value);
  const clock = new ThresholdClock({ start: input.start, quorum, support });
  const rounds: number[] = [];
  for (const [name, round] of input.blocks) {
    const author = name.length === 1 ? name.charCodeAt(0) - 65 : -1;
    if (!(author >= 0 && author < stakes.value.length) || !isIndex(round)) {
      return err("CONFORMANCE_INPUT", `no block of ${name} at round ${round}`);
    }
    clock.add(round, author);
    rounds.push(clock.round);
  }
  return ok({ rounds });
}

/** `consensus.quorum`: a number for a number, a decimal string for one. */
export function quorum(input: { readonly total: number | string }): Result<{ quorum: number | string }> {
  const total = parseStake(input.total);
  if (total === null) return err("CONFORMANCE_INPUT", "total is a non-negative integer");
  const value = CONSENSUS_RULES.quorum(total);
  return ok({ quorum: typeof input.total === "number" ? Number(value) : value.toString() });
}

function scenarioBlock(
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

function genesisId(author: number): string {
  return `${letter(author)}0`;
}

function genesisRef(id: string, size: number): readonly [number, number] | undefined {
  const author = id.charCodeAt(0) - 65;
  return id.length === 2 && id[1] === "0" && author >= 0 && author < size ? [0, author] : undefined;
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function parseStake(value: number | string): bigint | null {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  return /^[0-9]{1,40}$/.test(value) ? BigInt(value) : null;
}

function parseStakes(values: readonly (number | string)[]): Result<bigint[]> {
  if (!(values.length > 0 && values.length <= MAX_VALIDATORS)) {
    return err("CONFORMANCE_INPUT", `1 to ${MAX_VALIDATORS} validators`);
  }
  const stakes = values.map(parseStake);
  const good = stakes.filter((stake) => stake !== null);
  return good.length === stakes.length
    ? ok(good)
    : err("CONFORMANCE_INPUT", "stakes are non-negative integers");
}
