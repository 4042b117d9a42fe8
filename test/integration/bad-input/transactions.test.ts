import { bcs, byteString, encode } from "@soma/codec";
import { AccountKey } from "@soma/identity";
import { MAX_TRANSACTION_BYTES, TOKEN } from "@soma/protocol";
import { eventually } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHAIN_ID, people, seedOf, signed, transfer } from "../state/chain.ts";
import { counted } from "./counters.ts";
import { MeasuredOperator } from "./operator.ts";

const to = people[7]!.address;
const [honest, cheat] = [people[0]!, people[1]!];
let operator: MeasuredOperator;
const sequenceOf = (key: AccountKey) => operator.sequenceOf(key);

beforeAll(async () => {
  operator = await MeasuredOperator.open("bad_transactions");
  await operator.source.decide([signed(cheat, 0n, transfer(to, 1n)).bytes]);
  await eventually(async () => (await sequenceOf(cheat)) === 1n);
});
afterAll(() => operator.close());

async function submit(bytes: Uint8Array): Promise<{ status: number; code?: string; digest?: string }> {
  const headers = { "content-type": "application/octet-stream" };
  const response = await fetch(`${operator.url}/v1/transactions`, {
    method: "POST",
    headers,
    body: new Uint8Array(bytes),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

const kind = transfer(to, 1n);
const fields = { chainId: CHAIN_ID, sequence: 1n, expiryEpoch: 9n, tip: 0n, kind };
const expired = cheat.sign({ ...fields, expiryEpoch: 0n }).bytes;
const foreign = cheat.sign({ ...fields, chainId: "another" }).bytes;
const replayed = signed(cheat, 0n, kind).bytes;
const forged = (() => {
  const { bytes } = signed(cheat, 1n, kind);
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
})();
const stranger = AccountKey.fromSeed(seedOf("nobody"));
const penniless = signed(stranger, 0n, kind).bytes;
const unaffordable = signed(cheat, 1n, kind, 11n * TOKEN).bytes;
const filler = (length: number) => new Uint8Array(length).fill(0xff);

describe("a transaction from a client", () => {
  test.each<[string, Uint8Array, string, string]>([
    ["malformed", filler(40), "MEMPOOL_MALFORMED", "mempool"],
    [
      "malformed, of the largest size, all lengths",
      filler(MAX_TRANSACTION_BYTES),
      "MEMPOOL_MALFORMED",
      "mempool",
    ],
    ["oversized", filler(MAX_TRANSACTION_BYTES + 2_000), "GATEWAY_BODY_TOO_LARGE", "gateway"],
    ["wrongly signed", forged, "MEMPOOL_SIGNATURE", "mempool"],
    ["of another chain", foreign, "MEMPOOL_CHAIN", "mempool"],
    ["replayed", replayed, "MEMPOOL_SEQUENCE_STALE", "mempool"],
    ["expired", expired, "MEMPOOL_EXPIRED", "mempool"],
    ["unaffordable", unaffordable, "MEMPOOL_BALANCE", "mempool"],
    ["of an account that holds nothing", penniless, "MEMPOOL_ACCOUNT", "mempool"],
  ])("that is %s is refused with its code, counted, and holds up nobody", async (_, bytes, code, by) => {
    const before = {
      gateway: await counted("soma_gateway_refused_total", { code }),
      mempool: await counted("soma_mempool_transactions_submitted_total", { outcome: code }),
    };
    const answer = await submit(bytes);
    expect(answer).toMatchObject({ code });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(await counted("soma_gateway_refused_total", { code })).toBe(before.gateway + 1);
    expect(await counted("soma_mempool_transactions_submitted_total", { outcome: code })).toBe(
      before.mempool + (by === "mempool" ? 1 : 0),
    );

    const good = signed(honest, await sequenceOf(honest), kind);
    expect(await submit(good.bytes)).toMatchObject({ status: 202, digest: good.digest });
    // The same once more is no second one.
    expect(await submit(good.bytes)).toMatchObject({ status: 202, known: true });
    const next = (await sequenceOf(honest)) + 1n;
    await operator.source.decide([good.bytes]);
    await eventually(async () => (await sequenceOf(honest)) === next);
  });
});

test("each refused one of a batch is counted by its code, and the good one is admitted", async () => {
  const codes = ["MEMPOOL_SIGNATURE", "MEMPOOL_EXPIRED", "MEMPOOL_MALFORMED"];
  const count = () => Promise.all(codes.map((code) => counted("soma_gateway_refused_total", { code })));
  const before = await count();
  const good = signed(honest, await sequenceOf(honest), kind);
  const batch = [forged, expired, good.bytes, filler(40), filler(41)];
  const response = await fetch(`${operator.url}/v1/transactions/batch`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: new Uint8Array(encode(bcs.vector(byteString), batch)),
  });
  const { outcomes } = (await response.json()) as { outcomes: { status: string; code?: string }[] };
  expect(outcomes.map(({ status, code }) => code ?? status)).toEqual([
    "MEMPOOL_SIGNATURE",
    "MEMPOOL_EXPIRED",
    "admitted",
    "MEMPOOL_MALFORMED",
    "MEMPOOL_MALFORMED",
  ]);
  expect(await count()).toEqual([before[0]! + 1, before[1]! + 1, before[2]! + 2]);
});

describe("a transaction in a commit, from a validator that checks nothing", () => {
  test("is left out or refused with its code, counted, and those beside it are executed", async () => {
    const overdrawn = signed(cheat, 1n, transfer(to, 20n * TOKEN));
    const carried: [Uint8Array, string][] = [
      [filler(40), "TX_MALFORMED"],
      [forged, "TX_SIGNATURE"],
      [foreign, "TX_CHAIN"],
      [expired, "TX_EXPIRED"],
      [replayed, "SEQUENCE_STALE"],
      [unaffordable, "FEE_BALANCE"],
      [overdrawn.bytes, "BALANCE_SHORT"],
    ];
    const count = (outcome: string) => counted("soma_state_transactions_total", { outcome });
    const before = new Map<string, number>();
    for (const [, code] of carried) before.set(code, await count(code));
    const executed = await count("executed");
    const next = (await sequenceOf(honest)) + 2n;
    const goods = [next - 2n, next - 1n].map((sequence) => signed(honest, sequence, kind).bytes);
    await operator.source.decide([goods[0]!, ...carried.map(([bytes]) => bytes), goods[1]!]);
    await eventually(async () => (await sequenceOf(honest)) === next);
    for (const [, code] of carried) expect([code, await count(code)]).toEqual([code, before.get(code)! + 1]);
    expect(await count("executed")).toBe(executed + 2);
    // Only what the account agreed to pay for has used its sequence number.
    expect(await sequenceOf(cheat)).toBe(2n);
  });
});
