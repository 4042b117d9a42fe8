import { ok } from "@soma/base";
import { GatewayClient } from "@soma/client";
import { bcs, byteString, encode } from "@soma/codec";
import { MempoolReplica, partitionOfTransaction, type Submission, SubmitTransactions } from "@soma/contracts";
import { AccountKey } from "@soma/identity";
import { MAX_TRANSACTION_BYTES, transactionDigest } from "@soma/protocol";
import { eventually } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHAIN_ID, seedOf, signed, transfer } from "../state/chain.ts";
import { GatewayOperator, Servers } from "./operator.ts";

const servers = new Servers();
let operator: GatewayOperator;
let client: GatewayClient;
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "submissions", {});
  client = new GatewayClient({ gateways: [operator.url], retries: 0 });
});
afterAll(() => servers.close());

const payers = Array.from({ length: 48 }, (_, i) => AccountKey.fromSeed(seedOf(`many ${i}`)));
const some = payers.map((key) => signed(key, 0n, transfer(payers[0]!.address, 1n)));
const admitted = (bytes: Uint8Array): Submission => ({
  $kind: "Admitted",
  Admitted: { digest: transactionDigest(CHAIN_ID, bytes), known: false },
});
const refused = (code: string, minimumTip: bigint | null = null): Submission => ({
  $kind: "Refused",
  Refused: { code, message: "in words", minimumTip },
});
const partitions = Array.from({ length: 16 }, (_, i) => i);

/** The test is the operator's mempool: what came in each message, by the partition that it was sent to. */
async function mempool(
  answer: (bytes: Uint8Array, to: number) => Submission,
  { source }: GatewayOperator = operator,
) {
  const messages: { to: number; transactions: Uint8Array[] }[] = [];
  let mayAnswer: Promise<void> = Promise.resolve();
  const readers = await Promise.all(
    partitions.map((to) =>
      source.bus.respond(SubmitTransactions, { partition: to }, async (transactions) => {
        messages.push({ to, transactions });
        await mayAnswer;
        return ok(transactions.map((bytes) => answer(bytes, to)));
      }),
    ),
  );
  const announce = (replica: string, has: number[]) =>
    source.bus.publish(MempoolReplica, {}, { replica, partitions: has, waiting: 0 });
  return {
    messages,
    announce,
    /** Answers nothing until the result is called. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      mayAnswer = promise;
      return resolve;
    },
    close: () => Promise.all(readers.map((reader) => reader.close())),
  };
}

describe("many transactions", () => {
  test("are answered each in its place, and go to the mempool's one replica in one message", async () => {
    const odd = new Set(some.filter((_, i) => i % 2 === 1).map(({ digest }) => digest));
    const played = await mempool((bytes) =>
      odd.has(transactionDigest(CHAIN_ID, bytes)) ? refused("MEMPOOL_FULL", 7n) : admitted(bytes),
    );
    await played.announce("only", partitions);
    // The announcement overtakes nothing, but nobody says when it was read.
    await eventually(async () => {
      played.messages.length = 0;
      await client.submitTransactions(some.map(({ bytes }) => bytes));
      return played.messages.length === 1;
    });
    expect(played.messages[0]!.transactions.length).toBe(some.length);
    const outcomes = await client.submitTransactions(some.map(({ bytes }) => bytes));
    expect(outcomes).toEqual(
      some.map(({ digest }) =>
        odd.has(digest)
          ? { status: "refused", code: "MEMPOOL_FULL", detail: "in words", minimumTip: 7n, retryAfter: 1 }
          : { status: "admitted", digest, known: false },
      ),
    );
    // Single ones that come while others are under way share messages too.
    played.messages.length = 0;
    const release = played.hold();
    const single = some.filter(({ digest }) => !odd.has(digest));
    const sent = single.map(({ bytes }) => client.submitTransaction(bytes));
    await eventually(() => played.messages.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(played.messages.length).toBe(2);
    release();
    expect(await Promise.all(sent)).toEqual(single.map(({ digest }) => ({ digest, known: false })));
    expect(played.messages.length).toBeLessThan(single.length / 2);
    await played.announce("only", []);
    await played.close();
  });

  test("that went to a replica which has their senders no more are sent to the one that has", async () => {
    const played = await mempool((bytes, to) =>
      to === partitionOfTransaction(bytes) ? admitted(bytes) : refused("MEMPOOL_ELSEWHERE"),
    );
    await played.announce("only", partitions);
    await eventually(async () => {
      played.messages.length = 0;
      const outcomes = await client.submitTransactions(some.map(({ bytes }) => bytes));
      expect(outcomes.every(({ status }) => status === "admitted")).toBe(true);
      return played.messages[0]!.transactions.length === some.length;
    });
    await played.close();
  });

  test("are refused together where they are too many or no list, and one by one where no mempool is", async () => {
    const post = async (body: Uint8Array<ArrayBuffer>) => {
      const response = await fetch(`${operator.url}/v1/transactions/batch`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body,
      });
      const { code } = (await response.json()) as { code: string };
      return [response.status, code];
    };
    expect(await post(Uint8Array.of(3, 1))).toEqual([400, "GATEWAY_MALFORMED"]);
    // 513 empty ones.
    const many = Uint8Array.of(0x81, 0x04, ...new Uint8Array(513));
    expect(await post(many)).toEqual([400, "GATEWAY_MALFORMED"]);
    const none = await client.submitTransactions(some.slice(0, 2).map(({ bytes }) => bytes));
    expect(none).toMatchObject([
      { status: "refused", code: "REQUEST_NO_RESPONDER", retryAfter: 1 },
      { status: "refused", code: "REQUEST_NO_RESPONDER", retryAfter: 1 },
    ]);
    const large = await client.submitTransactions([new Uint8Array(MAX_TRANSACTION_BYTES + 1)]);
    expect(large).toMatchObject([{ status: "refused", code: "MEMPOOL_MALFORMED" }]);
    expect(await client.submitTransactions([])).toEqual([]);
  });
});

describe("transactions of many clients", () => {
  let crowded: GatewayOperator;
  const [honest, other] = [some[0]!.bytes, some[1]!.bytes];
  const isHonest = (bytes: Uint8Array) => Buffer.from(bytes).equals(honest);
  beforeAll(async () => {
    crowded = await GatewayOperator.open(servers, "turns", {
      env: {
        SOMA_GATEWAY_TRUST_PROXY: "127.0.0.0/8",
        SOMA_GATEWAY_QUOTA_REQUESTS: "100000",
        SOMA_GATEWAY_QUOTA_SIGNATURES: "100",
        SOMA_GATEWAY_QUOTA_WINDOW: "3600",
      },
    });
  });

  /** Status, and the code of each refusal. */
  async function post(from: string, bytes: readonly Uint8Array[]) {
    const response = await fetch(`${crowded.url}/v1/transactions/batch`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", "x-forwarded-for": from },
      body: Buffer.from(encode(bcs.vector(byteString), [...bytes])),
    });
    const { outcomes = [] } = (await response.json()) as { outcomes?: { code?: string }[] };
    return { status: response.status, codes: outcomes.map(({ code }) => code ?? "") };
  }

  /** Whole requests of a client's, of which just one finds no room: it is answered at once, and then the others are in. */
  async function crowd(from: string, requests: number, bytes: Uint8Array) {
    const all = Array.from({ length: requests }, () => post(from, Array(512).fill(bytes)));
    const { codes } = await Promise.race(all);
    expect(codes).toEqual(Array(512).fill("GATEWAY_BUSY"));
    return { answers: Promise.all(all).then((answers) => answers.flatMap((answer) => answer.codes)) };
  }

  /** The test's mempool once the gateway knows it; it answers when it is released. */
  async function heldMempool(answer: (bytes: Uint8Array) => Submission) {
    const played = await mempool(answer, crowded);
    await played.announce("only", partitions);
    await eventually(async () => {
      played.messages.length = 0;
      await post(
        "10.0.0.9",
        some.slice(2, 6).map(({ bytes }) => bytes),
      );
      return played.messages.length === 1;
    });
    played.messages.length = 0;
    return { ...played, release: played.hold() };
  }

  test("take turns, and each client has no more waiting than it leaves to the others", async () => {
    const played = await heldMempool(admitted);
    // Of 4096 places half, then half of the other half.
    const first = await crowd("10.0.0.1", 5, other);
    const second = await crowd("10.0.0.2", 3, honest);
    expect(played.messages.length).toBe(2);
    played.release();
    await Promise.all([first.answers, second.answers]);
    expect(played.messages[2]!.transactions.filter(isHonest).length).toBe(128);
    const sent = played.messages.flatMap(({ transactions }) => transactions);
    expect([sent.length, sent.filter(isHonest).length]).toEqual([6 * 512, 2 * 512]);
    await played.close();
  });

  test("are refused unchecked once too many of a client's were wrong, and only its own", async () => {
    const played = await heldMempool((bytes) =>
      isHonest(bytes) ? admitted(bytes) : refused("MEMPOOL_SIGNATURE"),
    );
    const flood = await crowd("10.0.0.1", 5, other);
    const waiting = post("10.0.0.2", [honest, honest]);
    played.release();
    expect((await waiting).codes).toEqual(["", ""]);
    const codes = await flood.answers;
    const count = (code: string) => codes.filter((of) => of === code).length;
    // What was under way when the quota was used up is checked, and no more.
    expect([count("GATEWAY_BUSY"), count("MEMPOOL_SIGNATURE"), count("GATEWAY_QUOTA_SIGNATURES")]).toEqual([
      512,
      2 * 256,
      2048 - 2 * 256,
    ]);
    expect((await post("10.0.0.1", [honest])).status).toBe(429);
    expect((await post("10.0.0.2", [honest])).status).toBe(200);
    await played.close();
  });
});
