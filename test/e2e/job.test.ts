import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { embed, GatewayClient } from "@soma/client";
import { AccountKey, loadGenesis, loadKeyFile } from "@soma/identity";
import { TestResources } from "@soma/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Cli, type RunningCommand } from "./support/cli.ts";
import { textsOf } from "./support/jobs.ts";
import { tellLogs } from "./support/logs.ts";

const BASE_PORT = 5400;
const SAMPLES = fileURLToPath(new URL("../../models/samples", import.meta.url));
const TOKEN = 1_000_000_000n;

interface Account {
  readonly address: string;
  readonly exists: boolean;
  readonly balance: string;
  readonly sequence: string;
  readonly stakes: readonly { role: string; operator: string; active: string; pending: string }[];
}
interface Batch {
  readonly job: string;
  readonly winner: string;
  readonly receipt: string;
  readonly resumed: boolean;
}

const resources = new TestResources();
let folder: string;
let network: string;
let devnet: RunningCommand;
let soma: Cli;

beforeAll(async () => {
  folder = await resources.folder();
  network = join(folder, "devnet");
  soma = new Cli(folder, { SOMA_DEVNET: network });
  devnet = soma.start("devnet", "--folder", network, "--base-port", String(BASE_PORT));
  resources.defer(async () => {
    devnet.interrupt();
    await devnet.ended;
  });
  await devnet.says(/ready/, 180_000);
}, 200_000);
afterAll(() => resources.close(), 60_000);
beforeEach(({ onTestFailed }) => {
  onTestFailed(() => console.error(`${devnet.output}\n${tellLogs(network)}`));
});

/** A folder with some of the shipped samples. */
function texts(name: string, topics: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const topic of topics) cpSync(join(SAMPLES, `${topic}.txt`), join(path, `${topic}.txt`));
  return path;
}

/** Blocks this process until the ledger has closed a job. */
function sleepUntilClosed(gateway: string, job: string): void {
  const program = `for (;;) {
    const { job } = await (await fetch("${gateway}/v1/jobs/${job}")).json();
    if (job === null || job.state === "closed") break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }`;
  execFileSync(process.execPath, ["--input-type=module", "-e", program]);
}

const account = (...args: string[]) => soma.json<Account>("account", ...args);

describe("accounts", () => {
  test("a new key has an account once tokens arrive, and spends from it", async () => {
    const { address } = await soma.json<{ address: string }>("key", "new", "purse.json");
    expect(await soma.json("key", "show", "purse.json")).toMatchObject({ address, kind: "account" });
    expect(await account(address)).toMatchObject({ exists: false, balance: "0", sequence: "0" });

    await soma.json("transfer", address, "25");
    expect(await account(address)).toMatchObject({ exists: true, balance: String(25n * TOKEN) });

    const wallet = await account();
    await soma.json("transfer", wallet.address, "5", "--key", "purse.json");
    const left = BigInt((await account("--key", "purse.json")).balance);
    expect(left).toBeLessThan(20n * TOKEN);
    expect(left).toBeGreaterThan(19n * TOKEN);
  });

  test("an account of three keys pays and stakes when two have signed, each on a copy of its own", async () => {
    const publicKeys: string[] = [];
    for (const member of ["ann", "bob", "cam"]) {
      await soma.json("key", "new", `${member}.json`);
      publicKeys.push((await soma.json<{ publicKey: string }>("key", "show", `${member}.json`)).publicKey);
    }
    const team = await soma.json<{ address: string }>(
      "multisig",
      "new",
      "team.json",
      ...publicKeys,
      "-t",
      "2",
    );
    await soma.json("transfer", team.address, "25");

    const wallet = await account();
    const out = ["--for", "team.json", "--out"];
    const prepared = await soma.json("transfer", wallet.address, "5", ...out, "pay.json");
    expect(prepared).toMatchObject({
      prepared: "pay.json",
      sender: team.address,
      sequence: "0",
      threshold: 2,
    });
    cpSync(join(folder, "pay.json"), join(folder, "pay-cam.json"));
    expect(await soma.json("multisig", "sign", "pay.json", "--key", "ann.json")).toMatchObject({
      missing: 1,
    });
    const early = await soma.run("multisig", "submit", "pay.json");
    expect(early.stderr).toContain("error MULTISIG_MISSING: ");
    await soma.json("key", "new", "dan.json");
    const stranger = await soma.run("multisig", "sign", "pay.json", "--key", "dan.json");
    expect(stranger.stderr).toContain("error MULTISIG_STRANGER: ");
    await soma.json("multisig", "sign", "pay-cam.json", "--key", "cam.json");
    await soma.json("multisig", "combine", "pay.json", "pay-cam.json", "--out", "both.json");
    expect(await soma.json("multisig", "show", "both.json")).toMatchObject({
      sender: team.address,
      kind: { Transfer: { to: wallet.address, amount: String(5n * TOKEN) } },
      missing: 0,
    });
    const sent = await soma.json<{ commit: string }>("multisig", "submit", "both.json");
    expect(await soma.json("multisig", "submit", "both.json")).toMatchObject({ commit: sent.commit });
    expect(BigInt((await account(team.address)).balance)).toBeLessThan(20n * TOKEN);

    const [validator] = (await soma.json<{ validators: { id: string }[] }>("operators")).validators;
    await soma.json("stake", "add", validator!.id, "10", ...out, "stake.json");
    for (const member of ["bob", "cam"])
      await soma.json("multisig", "sign", "stake.json", "--key", `${member}.json`);
    await soma.json("multisig", "submit", "stake.json");
    expect(await account(team.address)).toMatchObject({
      sequence: "2",
      stakes: [{ operator: validator!.id, pending: String(10n * TOKEN) }],
    });
  });

  test.each([
    ["that take turns", ["one", "one"]],
    ["that have no lock in common", ["one", "other"]],
  ])("several commands at once %s all succeed", async (_, caches) => {
    const { address } = await soma.json<{ address: string }>("key", "new", `many-${caches.join("-")}.json`);
    const before = await account();
    const clis = caches.map(
      (cache) => new Cli(folder, { SOMA_DEVNET: network, SOMA_CACHE: join(folder, cache) }),
    );
    const sent = await Promise.all(
      ["1", "2"].map((amount, i) => clis[i]!.json<{ digest: string }>("transfer", address, amount)),
    );
    expect(new Set(sent.map(({ digest }) => digest)).size).toBe(2);
    expect(await account(address)).toMatchObject({ balance: String(3n * TOKEN) });
    expect(BigInt((await account()).sequence) - BigInt(before.sequence)).toBe(2n);
  });

  test.each([
    ["more than there is", ["21"], "BALANCE_SHORT"],
    ["no amount", ["-1"], "CLI_AMOUNT"],
    ["more decimals than a token has", ["0.0000000001"], "CLI_AMOUNT"],
  ])("%s is refused with a code", async (_, [amount], code) => {
    const { address } = await account();
    const { status, stderr } = await soma.run("transfer", "--key", "purse.json", "--", address, amount!);
    expect(stderr).toContain(code);
    expect(status).toBe(1);
  });

  test("who never had anything cannot pay", async () => {
    await soma.run("key", "new", "empty.json");
    const { address } = await account();
    const { status, stderr } = await soma.run("transfer", address, "1", "--key", "empty.json");
    expect(stderr).toMatch(/MEMPOOL_ACCOUNT: the balance of .* is 0 tokens; 1 and a fee of/);
    expect(status).toBe(1);
  });

  test("stake is delegated to an encoder, and what is not there cannot be taken back", async () => {
    const { encoders } = await soma.json<{ encoders: { id: string }[] }>("operators");
    const operator = encoders[0]!.id;
    const encoder = ["--role", "encoder"];
    await soma.json("stake", "add", operator, "12.5", ...encoder);
    const mine = (await account()).stakes.find((stake) => stake.operator === operator)!;
    expect(mine.role).toBe("encoder");
    expect(BigInt(mine.active) + BigInt(mine.pending)).toBe(12_500_000_000n);

    const { status, stderr } = await soma.run("stake", "remove", operator, "100", ...encoder);
    expect(stderr).toMatch(/STAKE_SHORT: .* has 12\.5 tokens staked with encoder .*; 100 were asked back/);
    expect(status).toBe(1);
  });
});

describe("encoding", () => {
  let done: Batch;

  test("a folder becomes vectors with a receipt that verifies from the genesis file", async () => {
    const path = texts("first", ["animals-frog", "music-violin", "sea-ship", "space-comet"]);
    done = await soma.json<Batch>("encode", path, "--out", "results");
    expect(done).toMatchObject({ resumed: false });
    const verified = await soma.json<{ job: string; verified: boolean }>("verify", done.receipt);
    expect(verified).toMatchObject({ verified: true });
  });

  test.each([0, 0.25, 0.5, 0.75, 1])("one altered byte at %f of the receipt is refused", async (part) => {
    const bytes = readFileSync(join(folder, done.receipt));
    const at = Math.round(part * (bytes.length - 1));
    bytes[at]! ^= 1;
    const forged = join(folder, `forged-${part}.soma-receipt`);
    writeFileSync(forged, bytes);
    const { status, stdout } = await soma.run("verify", forged, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ verified: false, code: expect.any(String) });
    expect(status).toBe(1);
  });

  test("the same command again costs nothing", async () => {
    const before = await account();
    expect(await soma.json("encode", join(folder, "first"), "--out", "results")).toMatchObject({
      job: done.job,
      resumed: true,
    });
    expect((await account()).balance).toBe(before.balance);
  });

  test("what was embedded is found by a text like it", async () => {
    const text = "a sailing vessel crosses the ocean with its crew";
    const { hits } = await soma.json<{ hits: { label: string; similarity: number }[] }>(
      "search",
      text,
      "--out",
      "results",
    );
    expect(hits[0]!.label).toBe("sea-ship.txt");
    expect(hits.map(({ similarity }) => similarity)).toEqual(
      hits.map(({ similarity }) => similarity).sort((a, b) => b - a),
    );
  });

  test.each(["0", "257", "many"])("a batch of %s items is refused", async (size) => {
    const { status, stderr } = await soma.run("encode", join(folder, "first"), "--batch", size);
    expect([status, stderr]).toEqual([1, expect.stringContaining("CLI_BATCH")]);
  });

  test.each(["paid", "committed"])(
    "stopped with Ctrl-C when %s, the same command goes on with the paid job",
    async (stage) => {
      const path = texts(`stopped-${stage}`, ["law-trial", "medicine-fever"]);
      writeFileSync(join(path, "own.txt"), `This text is only of the job stopped when ${stage}.`);
      const before = await account();
      const stopped = soma.start("encode", path, "--out", "results", "--json");
      await stopped.says(new RegExp(` ${stage} `), 60_000);
      stopped.interrupt();
      const { status, stdout } = await stopped.ended;
      expect(status).toBe(130);
      expect(stdout).toBe("");

      const finished = await soma.json<Batch>("encode", path, "--out", "results");
      expect(await soma.run("verify", finished.receipt)).toMatchObject({ status: 0 });
      const after = await account();
      // One payment, one selection, one bundle.
      expect(BigInt(after.sequence) - BigInt(before.sequence)).toBe(3n);
      const { fee } = await soma.json<{ fee: string }>("verify", finished.receipt);
      const spent = BigInt(before.balance) - BigInt(after.balance);
      const baseFees = spent - BigInt(fee);
      expect(baseFees).toBeGreaterThan(0n);
      expect(baseFees).toBeLessThan(BigInt(fee));
    },
  );
});

describe("a client that comes too late", () => {
  test.each(["committed", "revealed"] as const)(
    "learns how the ledger ended its job, though it slept when %s",
    async (asleep) => {
      const client = new GatewayClient({ gateways: [`http://127.0.0.1:${BASE_PORT + 2}`] });
      let job = "";
      const late = embed(textsOf(`client that slept when it had ${asleep}`), [], {
        client,
        genesis: loadGenesis(join(network, "genesis.bin")),
        account: AccountKey.fromSeed(loadKeyFile(join(network, "wallet.json"), "account").seed),
        journalPath: join(folder, `late-${asleep}.json`),
        onProgress: ({ stage, detail }) => {
          if (stage === "paid") job = String(detail["job"]);
          // Nothing of this process runs until the ledger has passed its deadlines without it.
          if (stage === asleep) sleepUntilClosed(client.http.gateway, job);
        },
      });
      await expect(late).rejects.toMatchObject({
        code: "JOB_NOT_SETTLED",
        message: expect.stringMatching(/run the same command again/i),
        details: { outcome: expect.stringMatching(/^(Shared|Refunded|Settled)$/) },
      });
    },
  );
});

test("the network ends with status 0 on Ctrl-C", async () => {
  devnet.interrupt();
  expect((await devnet.ended).status).toBe(0);
});
