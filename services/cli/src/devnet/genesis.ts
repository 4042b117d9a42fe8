import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compareHex, SomaError } from "@soma/base";
import { SignerLog } from "@soma/consensus";
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
import { replaceFile } from "../replace-file.ts";
import { anchors, textTokenizer } from "./governed-files.ts";
import { type DevnetPlan, genesisFileOf, type OperatorPlan } from "./plan.ts";

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

/** The genesis of the network in a folder; undefined if none was begun there. @throws SomaError DEVNET_GENESIS */
export function savedGenesis(folder: string): Genesis | undefined {
  const path = genesisFileOf(folder);
  if (!existsSync(path)) return undefined;
  const genesis = decodeGenesis(readFileSync(path));
  if (genesis.ok) return genesis.value;
  throw new SomaError("DEVNET_GENESIS", `${path} is unusable (${genesis.message}); begin anew with --fresh`);
}

/**
 * Makes the plan's genesis file, which says that a network was begun: all that a network cannot begin without, the
 * validators' signer logs, is there before it.
 */
export async function beginNetwork(plan: DevnetPlan, options: GenesisOptions): Promise<Genesis> {
  const genesis = buildGenesis(plan, options);
  await Promise.all(plan.operators.map(beginSignerLog));
  replaceFile(plan.genesisFile, encodeGenesis(genesis));
  return genesis;
}

/** A validator that never signed begins its log by its operator's word; an existing network's log must be there. */
export async function beginSignerLog(operator: OperatorPlan): Promise<void> {
  if (operator.kind !== "validator") return;
  const path = join(operator.folder, "data", "signer.log");
  if ((await SignerLog.newestTerm(path)) === undefined) await SignerLog.create(path);
}
