import { ok } from "@soma/base";
import { GatewayClient } from "@soma/client";
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
async function mempool(answer: (bytes: Uint8Array, to: number) => Submission) {
  const messages: { to: number; transactions: Uint8Array[] }[] = [];
  let mayAnswer: Promise<void> = Promise.resolve();
  const readers = await Promise.all(
    partitions.map((to) =>
      operator.source.bus.respond(SubmitTransactions, { partition: to }, async (transactions) => {
        messages.push({ to, transactions });
        await mayAnswer;
        return ok(transactions.map((bytes) => answer(bytes, to)));
      }),
    ),
  );
  const announce = (replica: string, has: number[]) =>
    operator.source.bus.publish(MempoolReplica, {}, { replica, partitions: has, waiting: 0 });
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
