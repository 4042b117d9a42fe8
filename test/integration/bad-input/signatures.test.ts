import { bcs, byteString, encode } from "@soma/codec";
import { AccountKey } from "@soma/identity";
import { addressOf, encodeSignedTransaction, MAX_MULTISIG_KEYS } from "@soma/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHAIN_ID, people, seedOf, signed, transfer } from "../state/chain.ts";
import { counted } from "./counters.ts";
import { MeasuredOperator } from "./operator.ts";

const to = people[7]!.address;
const QUOTA = 100;
let operator: MeasuredOperator;
beforeAll(async () => {
  operator = await MeasuredOperator.open("vain_signatures", {
    SOMA_GATEWAY_TRUST_PROXY: "127.0.0.0/8",
    SOMA_GATEWAY_QUOTA_SIGNATURES: String(QUOTA),
    SOMA_GATEWAY_QUOTA_WINDOW: "3600",
  });
});
afterAll(() => operator.close());

async function post(from: string, path: string, body: Uint8Array) {
  const response = await fetch(`${operator.url}/v1/transactions${path}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream", "x-forwarded-for": from },
    body: Buffer.from(body),
  });
  return {
    status: response.status,
    retryAfter: Number(response.headers.get("retry-after")),
    body: (await response.json()) as { code?: string; outcomes?: { code?: string }[] },
  };
}
const submit = (from: string, bytes: Uint8Array) => post(from, "", bytes);
const submitMany = (from: string, many: readonly Uint8Array[]) =>
  post(from, "/batch", encode(bcs.vector(byteString), [...many]));

/** Well formed, and not signed by whom it says. */
function forged(i: number): Uint8Array {
  const { bytes } = signed(people[i % people.length]!, 1n, transfer(to, BigInt(i + 1)));
  bytes[bytes.length - 1]! ^= 1;
  return bytes;
}

/** Of an account of 32 keys, all of which sign badly. */
function forgedByMany(i: number): Uint8Array {
  const publicKeys = Array.from({ length: MAX_MULTISIG_KEYS }, (_, k) =>
    Buffer.from(seedOf(`key ${k}`), "hex"),
  );
  const policy = { MultiSig: { threshold: MAX_MULTISIG_KEYS, publicKeys } };
  const kind = transfer(to, BigInt(i + 1));
  return encodeSignedTransaction({
    transaction: {
      chainId: CHAIN_ID,
      sender: addressOf(policy),
      sequence: 0n,
      expiryEpoch: 9n,
      tip: 0n,
      kind,
    },
    authenticator: { policy, signers: 2 ** 32 - 1, signatures: publicKeys.map(() => new Uint8Array(64)) },
  });
}

const checked = () => counted("soma_mempool_transactions_submitted_total", {});
const vain = (code: string) => counted("soma_gateway_vain_checks_total", { code });

test("who floods wrongly signed transactions is refused at the gateway, and others go on", async () => {
  const many = Array.from({ length: QUOTA }, (_, i) => forged(i));
  const flooded = await submitMany("10.0.0.1", many);
  expect(flooded.body.outcomes!.map(({ code }) => code)).toEqual(many.map(() => "MEMPOOL_SIGNATURE"));
  expect(await vain("MEMPOOL_SIGNATURE")).toBe(QUOTA);

  const before = await checked();
  const exceeded = await counted("soma_gateway_quota_exceeded_total", { quota: "vainChecks" });
  for (const refused of [await submit("10.0.0.1", forged(1)), await submitMany("10.0.0.1", many)]) {
    expect(refused).toMatchObject({ status: 429, body: { code: "GATEWAY_QUOTA_SIGNATURES" } });
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(refused.retryAfter).toBeLessThanOrEqual(3600);
  }
  expect(await checked()).toBe(before);
  expect(await counted("soma_gateway_quota_exceeded_total", { quota: "vainChecks" })).toBe(exceeded + 2);
  const honest = signed(people[0]!, 0n, transfer(to, 1n));
  expect((await submit("10.0.0.2", honest.bytes)).status).toBe(202);
});

test("each signature of a multi-sig counts, and what a stranger signs well counts too", async () => {
  for (let i = 0; i < 4; i++) {
    expect(await submit("10.0.1.1", forgedByMany(i))).toMatchObject({ body: { code: "MEMPOOL_SIGNATURE" } });
  }
  expect((await submit("10.0.1.1", forgedByMany(4))).body.code).toBe("GATEWAY_QUOTA_SIGNATURES");
  const penniless = Array.from({ length: QUOTA }, (_, i) =>
    signed(AccountKey.fromSeed(seedOf(`nobody ${i}`)), 0n, transfer(to, 1n)),
  );
  await submitMany(
    "10.0.1.2",
    penniless.map(({ bytes }) => bytes),
  );
  expect(await vain("MEMPOOL_ACCOUNT")).toBe(QUOTA);
  expect((await submit("10.0.1.2", forged(0))).body.code).toBe("GATEWAY_QUOTA_SIGNATURES");
});
