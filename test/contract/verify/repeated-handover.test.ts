import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { GatewayClient, LedgerFollower } from "@soma/client";
import { bcs, encode } from "@soma/codec";
import { EpochHandoverCodec } from "@soma/protocol";
import { buildReceipt } from "@soma/testkit/receipt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

const { ledger, network } = buildReceipt({
  parameters: { embeddingDimension: 16, masks: 3, selectTimeout: 10, revealTimeout: 10, proofTimeout: 10 },
});
const handovers = ledger.checkpoints.flatMap(({ link: { certificate, nextEpoch } }) =>
  nextEpoch === null ? [] : [{ certificate, info: nextEpoch }],
);

let server: Server;
let asked = 0;
/** What the gateway answers the question for hand-overs from an epoch. */
let answer: (from: number) => typeof handovers;
beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://gateway");
    if (pathname !== "/v1/handovers") {
      response.writeHead(404).end();
      return;
    }
    asked += 1;
    // Nobody asks so often of a gateway that is honest; here it ends the test rather than nothing.
    if (asked > 50) response.writeHead(400).end();
    else response.end(encode(bcs.vector(EpochHandoverCodec), answer(Number(searchParams.get("from")))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close().closeAllConnections());
beforeEach(() => {
  asked = 0;
});

function follower(): LedgerFollower {
  const gateways = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  return LedgerFollower.open({ client: new GatewayClient({ gateways }), genesis: network.genesis });
}

describe("a gateway that repeats the last hand-over for ever", () => {
  beforeEach(() => {
    answer = (from) => [handovers[Math.min(from, handovers.length - 1)]!];
  });

  test("is left by who skips to the present", async () => {
    await expect(follower().skipToPresent()).rejects.toMatchObject({ code: "FOLLOWER_HANDOVER" });
    expect(asked).toBe(handovers.length + 1);
  });

  test("is left by who skips to a checkpoint", async () => {
    const last = handovers.at(-1)!.certificate.checkpoint.sequence;
    await expect(follower().skipTo(last + 1n)).rejects.toMatchObject({ code: "FOLLOWER_HANDOVER" });
    expect(asked).toBe(handovers.length + 1);
  });
});

test("an honest gateway's hand-overs lead to the present, in pages of any size", async () => {
  for (const size of [1, 2, 100]) {
    answer = (from) => handovers.slice(from, from + size);
    const links = await follower().skipToPresent();
    expect(links.map(({ nextEpoch }) => nextEpoch)).toEqual(handovers.map(({ info }) => info));
  }
});
