import { err, ok, type Result } from "@soma/base";
import { verifyBlock } from "./block-verification.ts";
import { CONSENSUS_RULES, type ConsensusRules } from "./rules.ts";
import {
  type DecideInput,
  type DecideOutput,
  genesisId,
  isIndex,
  ScenarioRun,
  scenarioBlock,
  scenarioBlocks,
} from "./scenario.ts";
import { committeeOf } from "./support.ts";
import { ThresholdClock } from "./threshold-clock.ts";

const MAX_VALIDATORS = 26;

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

function genesisRef(id: string, size: number): readonly [number, number] | undefined {
  const author = id.charCodeAt(0) - 65;
  return id.length === 2 && id[1] === "0" && author >= 0 && author < size ? [0, author] : undefined;
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
