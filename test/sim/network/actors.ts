import {
  type AccountPolicy,
  addressOfEd25519,
  encodeSignedTransaction,
  formatParameters,
  type Genesis,
  type Parameters,
  TOKEN,
  type TransactionKindInput,
  transactionSigningBytes,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { type SimKey, simKey, simSign } from "../consensus/sim-crypto.ts";
import { MEAN_NORM_SQUARED } from "../game/vectors.ts";
import { blsKey, possession, signBls } from "./network-crypto.ts";

const TOKENIZER = "ab".repeat(32);
const LIQUID = 2_000n * TOKEN;
const PRICE = 1_000_000n;

/** Anybody with an account: an operator, or a person. */
export class Actor {
  readonly address: string;
  readonly bls: Uint8Array;
  readonly #account: SimKey;
  readonly #policy: AccountPolicy;

  constructor(label: string) {
    this.#account = simKey(`account ${label}`);
    this.#policy = { Ed25519: { publicKey: this.#account.key } };
    this.address = addressOfEd25519(this.#account.key);
    this.bls = blsKey(label);
  }

  /** The key of blocks, of an encoder's messages or of the VRF. */
  key(purpose: "block" | "vrf" | "message"): SimKey {
    return simKey(`${purpose} ${this.address}`);
  }

  signBls(message: Uint8Array): Uint8Array {
    return signBls(this.bls, message);
  }

  signMessage(message: Uint8Array): Uint8Array {
    return simSign(this.key("message"), message);
  }

  /** A signed transaction; `forger` signs in the place of the account. */
  transaction(request: {
    readonly kind: TransactionKindInput;
    readonly sequence: bigint;
    readonly expiryEpoch: bigint;
    readonly tip?: bigint;
    readonly forger?: Actor;
  }): Uint8Array {
    const { kind, sequence, expiryEpoch, tip = 0n, forger = this } = request;
    const transaction = { chainId: SIM_CHAIN, sender: this.address, sequence, expiryEpoch, tip, kind };
    const signature = simSign(forger.#account, transactionSigningBytes(SIM_CHAIN, transaction));
    const authenticator = { policy: this.#policy, signers: 1, signatures: [signature] };
    return encodeSignedTransaction({ transaction, authenticator });
  }

  registration(): TransactionKindInput {
    return {
      RegisterValidator: {
        blockKey: this.key("block").key,
        blsKey: this.bls,
        blsPossession: possession(this.bls),
        vrfKey: this.key("vrf").key,
        edgeAddress: "edge:1",
        gatewayAddress: "http://gateway",
        commissionBps: 500,
      },
    };
  }
}

/** Everybody in one run, each class ascending by address. */
export interface Cast {
  readonly validators: readonly Actor[];
  /** Registers while the network runs. */
  readonly joiner: Actor;
  readonly encoders: readonly Actor[];
  readonly submitters: readonly Actor[];
  readonly vandal: Actor;
}

export function castOf(validators: number, encoders: number, submitters: number): Cast {
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => new Actor(`${name} ${i}`)).sort(byAddress);
  return {
    validators: many("validator", validators),
    joiner: new Actor("joiner"),
    encoders: many("encoder", encoders),
    submitters: many("submitter", submitters),
    vandal: new Actor("vandal"),
  };
}

function byAddress(a: { readonly address: string }, b: { readonly address: string }): number {
  return a.address < b.address ? -1 : 1;
}

export function genesisOf(
  cast: Cast,
  parameters: Parameters,
  stakes: { readonly validators: readonly bigint[]; readonly encoders: readonly bigint[] },
  startMs: number,
): Genesis {
  const everybody = [...cast.validators, cast.joiner, ...cast.encoders, ...cast.submitters, cast.vandal];
  return {
    chainId: SIM_CHAIN,
    timestampMs: BigInt(startMs),
    protocolVersion: 1,
    parameters: Object.entries(formatParameters(parameters)),
    accounts: [...everybody].sort(byAddress).map(({ address }) => ({ address, amount: LIQUID })),
    validators: cast.validators.map((actor, i) => ({
      validator: actor.address,
      stake: stakes.validators[i]! * TOKEN,
      blockKey: actor.key("block").key,
      blsKey: actor.bls,
      vrfKey: actor.key("vrf").key,
      edgeAddress: "edge:1",
      gatewayAddress: "http://gateway",
    })),
    encoders: cast.encoders.map((actor, i) => ({
      encoder: actor.address,
      stake: stakes.encoders[i]! * TOKEN,
      messageKey: actor.key("message").key,
      blsKey: actor.bls,
      asks: [{ modality: 0, pricePerByte: PRICE, tokenizer: TOKENIZER }],
    })),
    anchors: { texts: "00".repeat(32), vectors: "00".repeat(32), meanNormSquared: MEAN_NORM_SQUARED },
    textTokenizer: TOKENIZER,
    memo: new Uint8Array(),
  };
}
