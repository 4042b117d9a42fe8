import { SomaError } from "@soma/base";
import { formatAmount, type GatewayClient, submit } from "@soma/client";
import type { TransactionKindInput } from "@soma/protocol";
import { accountOf, type ConnectionFlags, connect, genesisOf } from "./connection.ts";
import { turnOf } from "./turns.ts";

export interface Order {
  readonly kind: TransactionKindInput;
  /** Base units that leave the balance, fees apart. */
  readonly amount: bigint;
  readonly tip?: bigint;
}

/** Refusals for want of balance, by a mempool or by the ledger. */
export const BALANCE_REFUSALS = new Set([
  "MEMPOOL_ACCOUNT",
  "MEMPOOL_BALANCE",
  "FEE_BALANCE",
  "BALANCE_SHORT",
]);

/**
 * Sends a transaction of the user's account and waits until the ledger has it. @throws SomaError as `submit`; a
 * refusal for want of balance or stake says what there is and what is needed
 */
export async function send(
  flags: ConnectionFlags,
  { kind, amount, tip = 0n }: Order,
): Promise<{ digest: string; commit: bigint }> {
  const client = await connect(flags);
  const genesis = genesisOf(flags);
  const account = accountOf(flags);
  try {
    const turn = turnOf(genesis, account);
    return await submit({ client, account, chainId: genesis.chainId, kind, tip, turn });
  } catch (error) {
    if (!(error instanceof SomaError)) throw error;
    if (error.code === "STAKE_SHORT") throw await stakeShort(client, account.address, kind, error);
    if (!BALANCE_REFUSALS.has(error.code)) throw error;
    throw await balanceShort(client, account.address, { amount, tip }, error);
  }
}

/** The same refusal with the figures; the bare one if the gateway does not tell them. */
async function balanceShort(
  client: GatewayClient,
  address: string,
  { amount, tip }: { amount: bigint; tip: bigint },
  cause: SomaError,
): Promise<SomaError> {
  const [account, head] = await Promise.allSettled([client.account(address), client.head()]);
  if (account.status === "rejected" || head.status === "rejected") return cause;
  const { balance } = account.value;
  const fee = head.value.baseFee + tip;
  return new SomaError(
    cause.code,
    `the balance of ${address} is ${formatAmount(balance)} tokens; ${formatAmount(amount)} and a fee of ${formatAmount(fee)} are needed`,
    { balance, amount, fee },
    { cause },
  );
}

/** The same for stake that is asked back. */
async function stakeShort(
  client: GatewayClient,
  address: string,
  kind: TransactionKindInput,
  cause: SomaError,
): Promise<SomaError> {
  const view = await client.account(address).catch(() => undefined);
  if (view === undefined || !("Undelegate" in kind)) return cause;
  const { operator, amount } = kind.Undelegate!;
  const role = "Encoder" in kind.Undelegate!.role ? "encoder" : "validator";
  const stake = view.stakes.find((each) => each.operator === operator && each.role === role);
  const staked = (stake?.active ?? 0n) + (stake?.pending ?? 0n);
  return new SomaError(
    cause.code,
    `${address} has ${formatAmount(staked)} tokens staked with ${role} ${operator}; ${formatAmount(amount as bigint)} were asked back`,
    { staked, amount },
    { cause },
  );
}
