import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { compareHex, SomaError } from "@soma/base";
import { AccountKey, EncoderKeys, loadKeyFile, ValidatorKeys } from "@soma/identity";
import {
  type Address,
  decodeGenesis,
  encodeGenesis,
  formatParameters,
  type Genesis,
  initialParameters,
  modalityNumber,
  type Parameters,
  TOKEN,
} from "@soma/protocol";
import { anchors, textTokenizer } from "./governed-files.ts";
import type { DevnetPlan, OperatorPlan } from "./plan.ts";

const VALIDATOR_STAKE = 1_000n * TOKEN;
const ENCODER_STAKE = 100n * TOKEN;
const OPERATOR_BALANCE = 100n * TOKEN;
const WALLET_BALANCE = 10_000n * TOKEN;

export interface GenesisOptions {
  /** Milliseconds since the Unix epoch: when epoch 0 starts. */
  readonly timestampMs: number;
  /** Values that differ from the devnet's. */
  readonly parameters?: Partial<Parameters>;
  /** Further accounts with base units of their own. */
  readonly accounts?: readonly { readonly address: Address; readonly amount: bigint }[];
}

/** The devnet's genesis: every planned operator with its stake, and a funded wallet. */
export function buildGenesis(plan: DevnetPlan, options: GenesisOptions): Genesis {
  const parameters = { ...initialParameters("devnet"), ...options.parameters };
  const tokenizer = textTokenizer();
  const text = modalityNumber("text");
  const validators = plan.operators.filter((operator) => operator.kind === "validator").map(validatorEntry);
  const encoders = plan.operators
    .filter((operator) => operator.kind === "encoder")
    .map((operator, index) => {
      const keys = new EncoderKeys(loadKeyFile(operator.keyFile, "encoder").seed);
      return {
        encoder: keys.account.address,
        stake: ENCODER_STAKE,
        messageKey: keys.message.publicKey,
        blsKey: keys.bls.publicKey,
        // Asks differ so that the stable price (ECON-4) is a choice among several.
        asks: [{ modality: text, pricePerByte: BigInt(900 + 50 * index), tokenizer }],
      };
    });
  const wallet = AccountKey.fromSeed(loadKeyFile(plan.walletFile, "account").seed);
  const accounts = [
    { address: wallet.address, amount: WALLET_BALANCE },
    ...plan.operators.map((operator) => ({ address: operator.id, amount: OPERATOR_BALANCE })),
    ...(options.accounts ?? []),
  ];
  return {
    chainId: plan.chainId,
    timestampMs: BigInt(options.timestampMs),
    protocolVersion: 1,
    parameters: Object.entries(formatParameters(parameters)).sort(([a], [b]) => (a < b ? -1 : 1)),
    accounts: accounts.sort((a, b) => compareHex(a.address, b.address)),
    validators: validators.sort((a, b) => compareHex(a.validator, b.validator)),
    encoders: encoders.sort((a, b) => compareHex(a.encoder, b.encoder)),
    anchors: anchors(),
    textTokenizer: tokenizer,
    memo: new Uint8Array(),
  };
}

function validatorEntry(operator: OperatorPlan) {
  const keys = new ValidatorKeys(loadKeyFile(operator.keyFile, "validator").seed);
  return {
    validator: keys.account.address,
    stake: VALIDATOR_STAKE,
    blockKey: keys.block.publicKey,
    blsKey: keys.bls.publicKey,
    vrfKey: keys.vrf.publicKey,
    edgeAddress: `127.0.0.1:${operator.natsPort}`,
    gatewayAddress: `http://127.0.0.1:${operator.gatewayPort}`,
  };
}

/** Reads the plan's genesis file, or makes it now. */
export function ensureGenesis(
  plan: DevnetPlan,
  options: GenesisOptions,
): { genesis: Genesis; isNew: boolean } {
  if (existsSync(plan.genesisFile)) {
    const genesis = decodeGenesis(readFileSync(plan.genesisFile));
    if (!genesis.ok) {
      throw new SomaError(
        "DEVNET_GENESIS",
        `${plan.genesisFile} is unusable (${genesis.message}); remove ${plan.folder}`,
      );
    }
    return { genesis: genesis.value, isNew: false };
  }
  const genesis = buildGenesis(plan, options);
  mkdirSync(dirname(plan.genesisFile), { recursive: true });
  writeFileSync(plan.genesisFile, encodeGenesis(genesis));
  return { genesis, isNew: true };
}
