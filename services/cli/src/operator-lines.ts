import { formatAmount, type GatewayClient } from "@soma/client";

export type OperatorsView = Awaited<ReturnType<GatewayClient["operators"]>>;

/**
 * Validators, then encoders, one a line, most stake first.
 * @param names of operators by id, as far as they have any
 */
export function operatorLines(view: OperatorsView, names: ReadonlyMap<string, string>): string[] {
  const validators = byStake(view.validators).map((operator) =>
    line("validator", operator, names, operator.gatewayAddress + voted(operator.slashVotes)),
  );
  const encoders = byStake(view.encoders).map((operator) =>
    line(
      "encoder",
      operator,
      names,
      operator.price === null ? "" : `asks ${formatAmount(operator.price)} a byte`,
    ),
  );
  return [...validators, ...encoders, `as of     epoch ${view.epoch}`];
}

function voted(stake: bigint): string {
  return stake === 0n ? "" : `  ${formatAmount(stake)} staked votes to slash it`;
}

interface Operator {
  readonly id: string;
  readonly stake: bigint;
  readonly active: boolean;
}

function byStake<T extends Operator>(operators: readonly T[]): T[] {
  return [...operators].sort((a, b) => {
    if (a.stake !== b.stake) return a.stake > b.stake ? -1 : 1;
    return a.id < b.id ? -1 : 1;
  });
}

function line(role: string, operator: Operator, names: ReadonlyMap<string, string>, rest: string): string {
  const { id, stake, active } = operator;
  const name = (names.get(id) ?? "").padEnd(names.size === 0 ? 0 : 4);
  const status = active ? "active  " : "inactive";
  return `${role.padEnd(9)} ${name}${id}  ${status}  ${formatAmount(stake).padStart(12)} staked  ${rest}`.trimEnd();
}
