import type { OperatorPlan } from "@soma/cli";
import { submit } from "@soma/client";
import { type AccountKey, EncoderKeys, loadKeyFile, ValidatorKeys } from "@soma/identity";
import { modalityNumber, TOKEN, type TransactionKindInput } from "@soma/protocol";
import type { TestNetwork } from "./network.ts";

const SPENDING = 10n * TOKEN;

function keysOf({ kind, keyFile }: OperatorPlan): ValidatorKeys | EncoderKeys {
  const { seed } = loadKeyFile(keyFile, kind);
  return kind === "validator" ? new ValidatorKeys(seed) : new EncoderKeys(seed);
}

/** Sends a transaction and waits until it was executed. */
export async function send(
  network: TestNetwork,
  account: AccountKey,
  kind: TransactionKindInput,
): Promise<bigint> {
  const { client, genesis } = network.devnet;
  return (await submit({ client, account, chainId: genesis.chainId, kind })).commit;
}

/** Funds an operator, has it stake on itself and register: it takes part from the next epoch. */
export async function register(network: TestNetwork, operator: OperatorPlan, stake: bigint): Promise<void> {
  const keys = keysOf(operator);
  const { account } = keys;
  await send(network, network.wallet, { Transfer: { to: account.address, amount: stake + SPENDING } });
  const role = operator.kind === "validator" ? ({ Validator: true } as const) : ({ Encoder: true } as const);
  await send(network, account, { Delegate: { role, operator: account.address, amount: stake } });
  await send(network, account, registrationOf(network, operator, keys));
}

function registrationOf(
  network: TestNetwork,
  operator: OperatorPlan,
  keys: ValidatorKeys | EncoderKeys,
): TransactionKindInput {
  const bls = { blsKey: keys.bls.publicKey, blsPossession: keys.bls.possessionProof(), commissionBps: 500 };
  if (keys instanceof ValidatorKeys) {
    return {
      RegisterValidator: {
        ...bls,
        blockKey: keys.block.publicKey,
        vrfKey: keys.vrf.publicKey,
        edgeAddress: `127.0.0.1:${operator.natsPort}`,
        gatewayAddress: `http://127.0.0.1:${operator.gatewayPort}`,
      },
    };
  }
  const tokenizer = network.devnet.genesis.textTokenizer;
  return {
    RegisterEncoder: {
      ...bls,
      messageKey: keys.message.publicKey,
      asks: [{ modality: modalityNumber("text"), pricePerByte: 1_000n, tokenizer }],
    },
  };
}

/** Has an operator leave at the end of the epoch. */
export async function unregister(network: TestNetwork, operator: OperatorPlan): Promise<void> {
  const kind =
    operator.kind === "validator"
      ? ({ UnregisterValidator: true } as const)
      : ({ UnregisterEncoder: true } as const);
  await send(network, keysOf(operator).account, kind);
}
