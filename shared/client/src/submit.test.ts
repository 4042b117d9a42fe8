import { Ed25519Key } from "@soma/crypto/native";
import { AccountKey } from "@soma/identity";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GatewayClient } from "./gateway-client.ts";
import { isNumberUsedByAnother } from "./sequence-number.ts";
import { submit } from "./submit.ts";
import { TEST_CHAIN, TestGateway } from "./test-gateway.ts";

const account = new AccountKey(Ed25519Key.fromSeed(new Uint8Array(32).fill(1)));
const kind = { Transfer: { to: "aa".repeat(32), amount: 1n } };

let gateways: TestGateway[];
beforeEach(async () => {
  gateways = await Promise.all([1, 2, 3].map(() => TestGateway.open()));
});
afterEach(() => {
  for (const gateway of gateways) gateway.close();
});

function send() {
  const client = new GatewayClient({ gateways: gateways.map(({ url }) => url), retries: 0 });
  return submit({ client, account, chainId: TEST_CHAIN, kind });
}

describe("an account that others use too", () => {
  test("waits until their transaction is executed, and signs anew", async () => {
    let refusals = 0;
    for (const gateway of gateways) {
      gateway.refusal = (sequence) => {
        if (sequence > 0n) return undefined;
        refusals += 1;
        // The other one is executed while this one waits.
        if (refusals === 3) for (const each of gateways) each.sequence = 1n;
        return refusals < 3 ? "MEMPOOL_SEQUENCE_TAKEN" : "MEMPOOL_SEQUENCE_STALE";
      };
    }
    expect(await send()).toMatchObject({ commit: 7n });
    const sent = gateways[0]!.submitted;
    expect(sent.map(({ sequence }) => sequence)).toEqual([0n, 0n, 0n, 1n]);
    expect(new Set(sent.map(({ digest }) => digest)).size).toBe(2);
  });

  test("does not have done twice what another gateway has executed already", async () => {
    const [first, , third] = gateways as [TestGateway, TestGateway, TestGateway];
    let refusals = 0;
    for (const gateway of gateways) gateway.sequence = 0n;
    first.refusal = () => {
      refusals += 1;
      const { digest } = first.submitted[0]!;
      for (const each of gateways) each.sequence = 1n;
      third.executed.add(digest);
      if (refusals === 3) first.executed.add(digest);
      return "MEMPOOL_SEQUENCE_STALE";
    };
    const { digest } = await send();
    expect(new Set(first.submitted.map((sent) => sent.digest))).toEqual(new Set([digest]));
  });
});

describe("whether another transaction used a sequence number", () => {
  const signed = account.sign({ chainId: TEST_CHAIN, sequence: 0n, expiryEpoch: 1n, tip: 0n, kind });
  const ask = () =>
    isNumberUsedByAnother(
      gateways.map(({ url }) => url),
      signed,
    );

  test.each<[string, readonly bigint[], boolean]>([
    ["all are past it", [1n, 1n, 1n], true],
    ["one lags", [1n, 0n, 1n], true],
    ["only one says so", [1n, 0n, 0n], false],
    ["none is past it", [0n, 0n, 0n], false],
  ])("%s", async (_, sequences, expected) => {
    for (const [i, gateway] of gateways.entries()) gateway.sequence = sequences[i]!;
    expect(await ask()).toBe(expected);
  });

  test("not if any of them knows the transaction", async () => {
    for (const gateway of gateways) gateway.sequence = 1n;
    gateways[2]!.executed.add(signed.digest);
    expect(await ask()).toBe(false);
  });

  test("those that do not answer do not count, and no answer says nothing", async () => {
    for (const gateway of gateways) gateway.sequence = 1n;
    gateways[0]!.close();
    gateways[1]!.close();
    expect(await ask()).toBe(true);
    gateways[2]!.close();
    expect(await ask()).toBe(false);
  });
});
