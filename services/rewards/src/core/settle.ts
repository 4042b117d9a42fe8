import { compareHex, err, minBig, ok, type Result } from "@soma/base";
import {
  emission,
  emissionShare,
  type Settlement,
  type SettlementInput,
  settlementInputDigest,
  subsidyBound,
} from "@soma/protocol";

const BPS = 10_000n;

type Operator = SettlementInput["validators"][number];
type Winner = SettlementInput["winners"][number];

/** Sums by recipient, handed out in the order of their keys. */
class Ledgered {
  readonly #sums = new Map<string, bigint>();

  add(key: string, amount: bigint): void {
    if (amount > 0n) this.#sums.set(key, (this.#sums.get(key) ?? 0n) + amount);
  }

  rows(): [string, bigint][] {
    return [...this.#sums].sort(([a], [b]) => compareHex(a, b));
  }
}

/**
 * ECON-3 for what exists so far: validators by stake, inclusion by paid transactions, winners of proven jobs alike.
 * Curiosity and targets have no claimants yet, so their shares stay in the pool, as dust and capped parts do.
 * Deterministic, and a function of the input alone. Refuses with SETTLEMENT_SHARES when the shares exceed the whole.
 */
export function settleEpoch(chainId: string, input: SettlementInput): Result<Settlement> {
  const { validatorsBps, inclusionBps, embeddingBps } = input.shares;
  if (validatorsBps + inclusionBps + embeddingBps > 10_000) {
    return err("SETTLEMENT_SHARES", "the shares exceed the emission");
  }
  const minted = emission(input.unminted, input.emissionFraction);
  const pot = (bps: number) => emissionShare(input, bps);
  const liquid = new Ledgered();
  const pools = new Ledgered();
  rewardValidators(pot(validatorsBps), input.validators, liquid, pools);
  rewardInclusion(pot(inclusionBps), input, liquid);
  rewardWinners(pot(embeddingBps), input.winners, liquid, pools);
  return ok({
    epoch: input.epoch,
    input: settlementInputDigest(chainId, input),
    minted,
    payments: liquid.rows().map(([account, amount]) => ({ account, amount })),
    pools: pools.rows().map(([key, amount]) => ({
      role: Number(key.slice(0, 1)),
      operator: key.slice(2),
      amount,
    })),
  });
}

/** A reward of an operator: its commission to its own account, the rest to those who staked in it (ECON-5). */
function share(
  reward: bigint,
  role: 0 | 1,
  operator: string,
  commissionBps: number,
  liquid: Ledgered,
  pools: Ledgered,
): void {
  const commission = (reward * BigInt(Math.min(commissionBps, 10_000))) / BPS;
  liquid.add(operator, commission);
  pools.add(`${role} ${operator}`, reward - commission);
}

/** By stake; the part of those who earn nothing goes to nobody, so that a ban enriches no rival. */
function rewardValidators(
  pot: bigint,
  validators: readonly Operator[],
  liquid: Ledgered,
  pools: Ledgered,
): void {
  let total = 0n;
  for (const { stake } of validators) total += stake;
  if (total === 0n) return;
  for (const { operator, stake, commissionBps, earns } of validators) {
    if (earns) share((pot * stake) / total, 0, operator, commissionBps, liquid, pools);
  }
}

/** By paid transactions, to the author itself unless it earns nothing; together at most half of the base fees burned (ADR 0004). */
function rewardInclusion(pot: bigint, { inclusion, feesBurned }: SettlementInput, liquid: Ledgered): void {
  let total = 0n;
  for (const { transactions } of inclusion) total += transactions;
  if (total === 0n) return;
  const capped = minBig(pot, subsidyBound(feesBurned));
  for (const { author, transactions, earns } of inclusion) {
    if (earns) liquid.add(author, (capped * transactions) / total);
  }
}

/** The same for each proven job, but at most half of what that job burned (ADR 0004), summed by winner. */
function rewardWinners(pot: bigint, winners: readonly Winner[], liquid: Ledgered, pools: Ledgered): void {
  let jobs = 0n;
  for (const { equalJobs, boundedJobs } of winners) jobs += equalJobs + boundedJobs;
  if (jobs === 0n) return;
  const equal = pot / jobs;
  for (const { winner, equalJobs, boundedJobs, bounds, commissionBps } of winners) {
    const reward = equalJobs * equal + minBig(boundedJobs * equal, bounds);
    share(reward, 1, winner, commissionBps, liquid, pools);
  }
}
