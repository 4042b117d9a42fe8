import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { people, signed, transfer } from "../state/chain.ts";
import { GatewayOperator, gatewayGenesis, Servers, TestJob, VALIDATOR } from "./operator.ts";

const servers = new Servers();
let operator: GatewayOperator;
const jobs = [0, 1, 2, 3].map((i) => new TestJob(`list ${i}`, BigInt(i)));
beforeAll(async () => {
  await servers.open();
  operator = await GatewayOperator.open(servers, "lists", {
    genesis: gatewayGenesis({ selectTimeout: 10, shardAttempts: 1, epochLength: 5_000n }),
  });
  // Two jobs in one commit, then one after the other.
  await operator.source.decide([jobs[0]!.payment.bytes, jobs[1]!.payment.bytes]);
  await operator.source.decide([jobs[2]!.payment.bytes]);
  await operator.source.decide(
    [0n, 1n, 2n].map((i) => signed(people[1]!, i, transfer(VALIDATOR, i + 1n)).bytes),
  );
  for (let i = 0; i < 20; i++) await operator.source.decide();
  await operator.source.decide([jobs[3]!.payment.bytes]);
  await operator.reaches(24n);
});
afterAll(() => servers.close());

/** Every entry of a list, page by page; `between` happens after each page. */
async function everything(
  path: string,
  name: string,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Record<string, string>[]> {
  const found: Record<string, string>[] = [];
  for (let cursor = ""; ; ) {
    const join = path.includes("?") ? "&" : "?";
    const page = await operator.json(`${path}${join}limit=2${cursor && `&cursor=${cursor}`}`);
    expect(page[name].length).toBeLessThanOrEqual(2);
    found.push(...page[name]);
    if (page.next === null) return found;
    cursor = page.next;
    await between();
  }
}

describe("lists", () => {
  test("jobs come newest first, by state and by account", async () => {
    const all = await everything("/v1/jobs", "jobs");
    const first = [jobs[0]!.id, jobs[1]!.id].sort().reverse();
    expect(all.map(({ job }) => job)).toEqual([jobs[3]!.id, jobs[2]!.id, ...first]);
    expect(all[0]).toMatchObject({
      state: "paid",
      paidAtCommit: "24",
      payer: people[0]!.address,
      outcome: null,
    });
    const closed = await everything("/v1/jobs?state=closed", "jobs");
    expect(closed.map(({ job }) => job)).toEqual([jobs[2]!.id, ...first]);
    expect(closed[0]!["outcome"]).toMatch(/^Refunded/);
    expect(await everything(`/v1/jobs?account=${people[0]!.address}`, "jobs")).toHaveLength(4);
    expect(await everything(`/v1/jobs?account=${people[1]!.address}`, "jobs")).toEqual([]);
    expect((await operator.json(`/v1/jobs/${jobs[3]!.id}`)).job).toMatchObject({ state: "paid" });
  });

  test("a commit's transactions are in the order of execution", async () => {
    const transactions = await everything("/v1/commits/3/transactions", "transactions");
    expect(transactions).toMatchObject(
      [0, 1, 2].map((position) => ({ position, commit: "3", sender: people[1]!.address, refusal: null })),
    );
    expect(await everything("/v1/commits/4/transactions", "transactions")).toEqual([]);
    const later = await operator.get("/v1/commits/999/transactions");
    expect(later.status).toBe(404);
    expect(await later.json()).toMatchObject({ code: "GATEWAY_COMMIT_NOT_FOUND" });
  });

  test("pages neither repeat nor leave out while the ledger grows", async () => {
    const last = operator.source.chain.commits.length;
    const grow = async () => {
      await operator.source.decide();
      await operator.reaches(BigInt(operator.source.chain.commits.length));
    };
    const commits = await everything("/v1/commits", "commits", grow);
    expect(commits.map(({ commit }) => Number(commit))).toEqual(
      Array.from({ length: last }, (_, i) => last - i),
    );
    expect(operator.source.chain.commits.length).toBeGreaterThan(last);
    expect(commits.at(-3)).toMatchObject({ commit: "3", transactions: 3, epoch: "0" });
    const checkpoints = await everything("/v1/checkpoints", "checkpoints", grow);
    const numbers = checkpoints.map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! - i));
    expect(numbers.at(-1)).toBe(1);
  });

  test("operators, epochs and parameters", async () => {
    expect(await everything("/v1/validators", "validators")).toMatchObject([{ id: VALIDATOR, active: true }]);
    const encoders = await everything("/v1/encoders", "encoders");
    expect(encoders.map(({ id }) => id)).toEqual(encoders.map(({ id }) => id).sort());
    expect(encoders).toHaveLength(5);
    expect(encoders[0]).toMatchObject({ leaving: false, asks: [{ modality: "text", pricePerByte: "10" }] });
    const epochs = await everything("/v1/epochs", "epochs");
    expect(epochs.at(-1)).toMatchObject({ epoch: "0", encoders: 5, validators: 1, openedByCheckpoint: "0" });
    const parameters = await everything("/v1/parameters", "parameters");
    expect(parameters.map(({ name }) => name)).toEqual(parameters.map(({ name }) => name).sort());
    expect(parameters.find(({ name }) => name === "epochLength")).toEqual({
      name: "epochLength",
      value: "5000",
      min: "5000",
      max: "604800000",
      unit: "ms",
      rule: "CONS-10",
    });
  });

  test.each([
    ["?limit=0", "GATEWAY_MALFORMED"],
    ["?limit=101", "GATEWAY_MALFORMED"],
    ["?limit=ten", "GATEWAY_MALFORMED"],
    ["?page=2", "GATEWAY_MALFORMED"],
    ["?state=lost", "GATEWAY_MALFORMED"],
    ["?cursor=nonsense", "GATEWAY_CURSOR"],
    [`?cursor=${Buffer.from("commits 7").toString("base64url")}`, "GATEWAY_CURSOR"],
    [`?cursor=${Buffer.from(`jobs 7 ${"x".repeat(64)}`).toString("base64url")}`, "GATEWAY_CURSOR"],
  ])("/v1/jobs%s is refused: %s", async (query, code) => {
    const response = await operator.get(`/v1/jobs${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await response.json()).toMatchObject({ code });
  });
});
