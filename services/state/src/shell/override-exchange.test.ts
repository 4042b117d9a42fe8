import { err, ok, type Result } from "@soma/base";
import { PeerMessageReceived, SubmitOverride } from "@soma/contracts";
import { Telemetry } from "@soma/telemetry";
import { expect, test } from "vitest";
import { stateMetrics } from "./metrics.ts";
import { OverrideExchange } from "./override-exchange.ts";
import type { OverrideOutcome } from "./overrides.ts";

/** An exchange whose overrides all end alike, and what it logs as a warning. */
async function opened(outcome: Result<OverrideOutcome>) {
  const warned: object[] = [];
  const handlers = new Map<unknown, (input: unknown) => Promise<unknown>>();
  const bus = {
    respond: async (message: unknown, _: object, handle: never) => void handlers.set(message, handle),
    subscribe: async (message: unknown, { type }: { type: string }, handle: never) =>
      void handlers.set(message === PeerMessageReceived ? type : message, handle),
    publish: async () => undefined,
  };
  const exchange = await OverrideExchange.open({
    bus: bus as never,
    overrides: { submit: async () => outcome } as never,
    safeMode: { halt: null } as never,
    metrics: stateMetrics(Telemetry.silent("state")),
    log: { debug: () => undefined, warn: (told: object) => void warned.push(told) } as never,
    askIntervalMs: 60_000,
  });
  return {
    warned,
    exchange,
    fromPeer: () => handlers.get("override")!({ sender: "peer", body: new Uint8Array(8) }),
    fromOperator: () => handlers.get(SubmitOverride)!(new Uint8Array(8)),
  };
}

test("a peer's bad overrides, however many, warn of nothing; the operator's does", async () => {
  const { warned, exchange, fromPeer, fromOperator } = await opened(err("OVERRIDE_QUORUM", "no quorum"));
  for (let i = 0; i < 2_000; i++) await fromPeer();
  expect(warned).toEqual([]);
  await fromOperator();
  expect(warned).toEqual([{ outcome: "OVERRIDE_QUORUM", source: "operator" }]);
  exchange.close();
});

test("a peer's override that is taken is told of, and one that is known is not", async () => {
  const taken = await opened(ok("applied"));
  await taken.fromPeer();
  expect(taken.warned).toEqual([{ outcome: "applied", source: "peer" }]);
  taken.exchange.close();
  const known = await opened(ok("known"));
  await known.fromPeer();
  expect(known.warned).toEqual([]);
  known.exchange.close();
});
