import { concatBytes, fromHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { BlsKey, Ed25519Key, VrfKey } from "@soma/crypto/native";
import { AccountKey } from "./account-key.ts";
import type { KeyFile } from "./key-file.ts";

/** One seed a purpose, so that no key material serves two schemes. */
function purposeSeed(seed: string, purpose: string): Uint8Array {
  return sha256(concatBytes(utf8(`soma.key.${purpose}\0`), fromHex(seed)));
}

function accountOf(seed: string): AccountKey {
  return new AccountKey(Ed25519Key.fromSeed(purposeSeed(seed, "account")));
}

/** The account that a key file signs for: its own, or that of the operator whose file it is. */
export function accountOfKeyFile({ kind, seed }: KeyFile): AccountKey {
  return kind === "account" ? AccountKey.fromSeed(seed) : accountOf(seed);
}

/** All keys of a validator operator, from one 32-byte seed in hex. */
export class ValidatorKeys {
  readonly account: AccountKey;
  /** Signs blocks and peer envelopes. */
  readonly block: Ed25519Key;
  /** Signs checkpoints. */
  readonly bls: BlsKey;
  /** Proves the leader's randomness (RAND-1). */
  readonly vrf: VrfKey;

  constructor(seed: string) {
    this.account = accountOf(seed);
    this.block = Ed25519Key.fromSeed(purposeSeed(seed, "block"));
    this.bls = BlsKey.fromSeed(purposeSeed(seed, "bls"));
    this.vrf = VrfKey.fromSeed(purposeSeed(seed, "vrf"));
  }
}

/** All keys of an encoder operator, from one 32-byte seed in hex. */
export class EncoderKeys {
  readonly account: AccountKey;
  /** Signs job messages and peer envelopes. */
  readonly message: Ed25519Key;
  /** Signs evaluations. */
  readonly bls: BlsKey;

  constructor(seed: string) {
    this.account = accountOf(seed);
    this.message = Ed25519Key.fromSeed(purposeSeed(seed, "message"));
    this.bls = BlsKey.fromSeed(purposeSeed(seed, "bls"));
  }
}
