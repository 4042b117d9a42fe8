import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { GatewayClient, LedgerFollower } from "@soma/client";
import { bcs, encode } from "@soma/codec";
import { buildLedgerUpdates, encodeLedgerUpdate, transactionDigest, wantsJobs } from "@soma/protocol";
import { buildReceipt } from "@soma/testkit/receipt";
import { afterAll, beforeAll, expect, test } from "vitest";

const { ledger, network } = buildReceipt({
  parameters: { embeddingDimension: 16, masks: 3, selectTimeout: 10, revealTimeout: 10, proofTimeout: 10 },
});
const updates = ledger.checkpoints.map(({ link, leaves, transactions }) => {
  const byDigest = new Map(
    [...transactions.values()].map((bytes) => [transactionDigest(ledger.chainId, bytes), bytes]),
  );
  const { certificate, nextEpoch } = link;
  const transaction = (digest: string) => byDigest.get(digest);
  const built = buildLedgerUpdates({ certificate, leaves, transaction, nextEpoch, wants: wantsJobs });
  if (!built.ok) throw new Error(built.message);
  return built.value.map(encodeLedgerUpdate);
});

let server: Server;
beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://gateway");
    const sequence = Number(/^\/v1\/ledger-updates\/(\d+)$/.exec(pathname)?.[1]);
    const most = Number(searchParams.get("most") ?? 1);
    const found = updates.slice(sequence - 1, sequence - 1 + most).flat();
    if (found.length === 0) response.writeHead(204).end();
    else response.end(encode(bcs.vector(bcs.byteVector()), found));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close().closeAllConnections());

function follower(): LedgerFollower {
  const gateways = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  return LedgerFollower.open({
    client: new GatewayClient({ gateways }),
    genesis: network.genesis,
    waitMs: 0,
  });
}

test("runs of any length give the facts of single steps, across the ends of epochs", async () => {
  const stepwise = follower();
  const facts: unknown[] = [];
  for (let parts = await stepwise.next(); parts.length > 0; parts = await stepwise.next()) {
    facts.push(...parts.map((part) => part.facts));
  }
  expect(facts.length).toBe(updates.flat().length);
  for (const most of [1, 2, 3, 100]) {
    const running = follower();
    const found: unknown[] = [];
    for (let parts = await running.nextRun(most); parts.length > 0; parts = await running.nextRun(most)) {
      found.push(...parts);
    }
    expect(found).toEqual(facts);
    expect(running.light.head).toEqual(stepwise.light.head);
    expect(running.light.epoch).toEqual(stepwise.light.epoch);
  }
});
