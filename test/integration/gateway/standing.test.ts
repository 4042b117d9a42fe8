import { eventually } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { people, signed, transfer } from "../state/chain.ts";
import { GatewayOperator, Servers } from "./operator.ts";

const servers = new Servers();
let operator: GatewayOperator;
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "standing");
});
afterAll(() => servers.close());

const asked = (atLeast: string) => ({ headers: { "soma-at-least-checkpoint": atLeast } });

test("what is read from the ledger says where it stands, and is not older than asked for", async () => {
  for (let sequence = 0n; sequence < 8n; sequence++) {
    await operator.source.decide([signed(people[0]!, sequence, transfer(people[1]!.address, 1n)).bytes]);
  }
  await operator.reaches(8n);
  const { sequence } = await eventually(async () => {
    const { checkpoints } = await operator.json("/v1/checkpoints?limit=1");
    return checkpoints[0] ?? false;
  });
  const account = await operator.get(`/v1/accounts/${people[0]!.address}`, asked(sequence));
  expect(account.status).toBe(200);
  expect(Number(account.headers.get("soma-checkpoint"))).toBeGreaterThanOrEqual(Number(sequence));
  expect(await account.json()).toMatchObject({ commit: account.headers.get("soma-commit"), sequence: "8" });

  for (const path of [
    "/v1/head",
    "/v1/validators",
    "/v1/checkpoints/latest",
    "/v1/epochs/latest",
    "/v1/jobs",
  ]) {
    const behind = await operator.get(path, asked("999999"));
    expect(behind.status).toBe(503);
    expect(behind.headers.get("retry-after")).toBe("1");
    expect(await behind.json()).toMatchObject({ code: "STATE_BEHIND" });
  }
  const malformed = await operator.get("/v1/head", asked("many"));
  expect(malformed.status).toBe(400);
  expect(await malformed.json()).toMatchObject({ code: "GATEWAY_MALFORMED" });
});
