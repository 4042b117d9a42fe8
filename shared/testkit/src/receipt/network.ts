import { compareHex, concatBytes, u32be, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { BlsKey, Ed25519Key } from "@soma/crypto/native";
import {
  type Address,
  addressOfEd25519,
  formatParameters,
  type Genesis,
  initialParameters,
  type Parameters,
  TOKEN,
} from "@soma/protocol";

/** Keys of an operator, derived from its name. */
export interface TestOperator {
  readonly id: Address;
  readonly account: Ed25519Key;
  /** Blocks of a validator, job messages of an encoder. */
  readonly messages: Ed25519Key;
  readonly bls: BlsKey;
}

export interface TestNetwork {
  readonly genesis: Genesis;
  readonly parameters: Parameters;
  /** Ascending by id, as in the committee. */
  readonly validators: readonly TestOperator[];
  /** Ascending by id, as in the roster. */
  readonly encoders: readonly TestOperator[];
}

export interface TestNetworkOptions {
  readonly chainId?: string;
  readonly validators?: number;
  readonly encoders?: number;
  readonly parameters?: Partial<Parameters>;
  /** SHA-256 of the governed tokenizer's file. */
  readonly textTokenizer?: string;
}

/** 32 bytes that depend on a name only. */
export function testSeed(name: string, index = 0): Uint8Array {
  return sha256(concatBytes(utf8(name), u32be(index)));
}

function operator(role: string, index: number): TestOperator {
  const account = Ed25519Key.fromSeed(testSeed(`${role}-account`, index));
  return {
    id: addressOfEd25519(account.publicKey),
    account,
    messages: Ed25519Key.fromSeed(testSeed(`${role}-messages`, index)),
    bls: BlsKey.fromSeed(testSeed(`${role}-bls`, index)),
  };
}

function operators(role: string, count: number): TestOperator[] {
  return Array.from({ length: count }, (_, index) => operator(role, index)).sort((a, b) =>
    compareHex(a.id, b.id),
  );
}

/** Squared mean norm of the test anchors in squared quanta: unit vectors. */
const MEAN_NORM_SQUARED = 2048n * 2048n;

/** A genesis with real keys, the same for the same options. */
export function testNetwork(options: TestNetworkOptions = {}): TestNetwork {
  const parameters: Parameters = { ...initialParameters("devnet"), ...options.parameters };
  const validators = operators("validator", options.validators ?? 4);
  const encoders = operators("encoder", options.encoders ?? 8);
  const tokenizer = options.textTokenizer ?? "07".repeat(32);
  const genesis: Genesis = {
    chainId: options.chainId ?? "test",
    timestampMs: 1_760_000_000_000n,
    protocolVersion: 1,
    parameters: Object.entries(formatParameters(parameters)).sort(([a], [b]) => compareHex(a, b)),
    accounts: [{ address: payerKey().address, amount: 1_000n * TOKEN }],
    validators: validators.map((validator, i) => ({
      validator: validator.id,
      stake: (100n + BigInt(i)) * TOKEN,
      blockKey: validator.messages.publicKey,
      blsKey: validator.bls.publicKey,
      vrfKey: testSeed("validator-vrf", i),
      edgeAddress: `127.0.0.1:${4300 + i}`,
      gatewayAddress: `http://127.0.0.1:${8300 + i}`,
    })),
    encoders: encoders.map((encoder, i) => ({
      encoder: encoder.id,
      stake: (10n + BigInt(i)) * TOKEN,
      messageKey: encoder.messages.publicKey,
      blsKey: encoder.bls.publicKey,
      asks: [{ modality: 0, pricePerByte: 1_000n + BigInt(i), tokenizer }],
    })),
    anchors: { texts: "01".repeat(32), vectors: "02".repeat(32), meanNormSquared: MEAN_NORM_SQUARED },
    textTokenizer: tokenizer,
    memo: new Uint8Array(0),
  };
  return { genesis, parameters, validators, encoders };
}

/** The account that pays for test jobs, and its session key. */
export function payerKey(): { account: Ed25519Key; session: Ed25519Key; address: Address } {
  const account = Ed25519Key.fromSeed(testSeed("payer"));
  return {
    account,
    session: Ed25519Key.fromSeed(testSeed("session")),
    address: addressOfEd25519(account.publicKey),
  };
}
