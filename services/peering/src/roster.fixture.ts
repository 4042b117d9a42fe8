import { toHex } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { Ed25519Key } from "@soma/crypto/native";
import type { EpochInfo, Hex32 } from "@soma/protocol";

/** An operator of a test's roster: its id is its name's hash. */
export interface TestOperator {
  readonly name: string;
  readonly id: Hex32;
  readonly key: Ed25519Key;
}

export function testOperator(name: string): TestOperator {
  const seed = sha256(new TextEncoder().encode(`test operator ${name}`));
  return { name, id: toHex(sha256(seed)), key: Ed25519Key.fromSeed(seed) };
}

/** An epoch with these operators as its committee and roster. */
export function testEpoch(
  validators: readonly TestOperator[],
  encoders: readonly TestOperator[],
  epoch = 0n,
): EpochInfo {
  const byId = (a: TestOperator, b: TestOperator) => (a.id < b.id ? -1 : 1);
  return {
    epoch,
    startTimestampMs: 0n,
    lastCommit: 0n,
    seed: "00".repeat(32),
    lastBlock: "00".repeat(32),
    committee: [...validators].sort(byId).map(({ name, id, key }) => ({
      validator: id,
      stake: 1n,
      blockKey: key.publicKey,
      blsKey: new Uint8Array(48),
      vrfKey: new Uint8Array(32),
      edgeAddress: `${name}.example:4222`,
      gatewayAddress: `http://${name}.example/`,
    })),
    roster: [...encoders].sort(byId).map(({ id, key }) => ({
      encoder: id,
      stake: 1n,
      messageKey: key.publicKey,
      blsKey: new Uint8Array(48),
      asks: [],
    })),
    prices: [],
    baseFee: 1n,
    protocolVersion: 1,
    parameters: "00".repeat(32),
  };
}
