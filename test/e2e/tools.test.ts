import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { decodeExact, encode } from "@soma/codec";
import { CertifiedCheckpointCodec } from "@soma/protocol";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Cli, type RunningCommand } from "./support/cli.ts";
import { tellLogs } from "./support/logs.ts";
import { Relay } from "./support/relay.ts";

// The commands that look at a network that runs: status, watch, tap, and completion of them all.

const BASE_PORT = 6300;
const GATEWAYS = [2, 4, 6, 8].map((offset) => `http://127.0.0.1:${BASE_PORT + offset}`);
const NOWHERE = "http://127.0.0.1:1";
const SOMA = fileURLToPath(new URL("../../services/cli/bin/soma.mjs", import.meta.url));

interface Status {
  readonly healthy: boolean;
  readonly sentence: string;
  readonly network: string;
  readonly findings: readonly { severity: string; code: string; text: string }[];
  readonly supply: Readonly<Record<string, string>>;
  readonly gateways: readonly { reachable: boolean; certified: boolean | null; peers: string[] }[];
}
interface Line {
  readonly stage: string;
  readonly job: string;
  readonly commit: string;
  readonly timestampMs: number;
  readonly outcome?: string;
  readonly winner?: string;
  readonly paid?: string;
  readonly scores?: readonly { encoder: string }[];
}
interface Tapped {
  readonly message: string;
  readonly subject: string;
  readonly size: number;
  readonly body?: Record<string, unknown>;
  readonly code?: string;
}

interface Operators {
  readonly validators: readonly { id: string; stake: string; slashVotes: string }[];
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
  await devnet.says(/ ready: /, 180_000);
}, 200_000);
afterAll(() => resources.close(), 60_000);
beforeEach(({ onTestFailed }) => {
  onTestFailed(() => console.error(`${devnet.output}\n${tellLogs(network)}`));
});

const linesOf = <T>(text: string): T[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);

function textFile(name: string): string {
  const path = join(folder, `${name}.txt`);
  writeFileSync(path, `A heron was seen near ${name}, where the river is slow and nobody fishes.`);
  return path;
}

/** The id of a job that `soma encode` has signed the payment of, out of its journal. */
async function jobOf(results: string): Promise<string> {
  return eventually(
    () => {
      const path = join(folder, results);
      const journal = existsSync(path) && readdirSync(path).find((name) => name.endsWith(".journal.json"));
      if (!journal) return false;
      const state = JSON.parse(readFileSync(join(path, journal), "utf8")) as {
        payment: { digest: string } | null;
      };
      return state.payment?.digest ?? false;
    },
    { within: 60_000 },
  );
}

describe("status", () => {
  test("of a healthy network is a sentence and status 0", async () => {
    const { status, stdout } = await soma.run("status", "--timeout", "20");
    expect(stdout).toContain("Healthy: 4 gateways agree at checkpoint");
    expect(stdout).toContain("4 validators, 8 encoders");
    for (const name of ["v0", "v1", "v2", "v3"]) expect(stdout).toMatch(new RegExp(` ${name} .* 11/11`));
    expect(stripVTControlCharacters(stdout)).toBe(stdout);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(status).toBe(0);
  });

  test("for programs has the proof of each gateway's checkpoint, and a supply that adds up", async () => {
    const told = await soma.json<Status>("status", "--timeout", "20");
    expect(told).toMatchObject({ healthy: true, findings: [], network: "soma-devnet" });
    expect(told.gateways.map(({ certified }) => certified)).toEqual([true, true, true, true]);
    expect(told.supply["total"]).toBe("1000000000000000");
  });

  test("names a gateway that is away and ends with 1", async () => {
    const { status, stdout } = await soma.run(
      "status",
      "--json",
      "--timeout",
      "20",
      "-g",
      GATEWAYS[0]!,
      NOWHERE,
    );
    const told = JSON.parse(stdout) as Status;
    expect(told.findings.filter(({ severity }) => severity !== "note")).toEqual([
      expect.objectContaining({ code: "STATUS_UNREACHABLE", text: expect.stringContaining("127.0.0.1:1") }),
    ]);
    expect(told.gateways.map(({ reachable }) => reachable)).toEqual([true, false]);
    expect(status).toBe(1);
  });

  test("is loud about a gateway that serves another ledger", async () => {
    const liar = await Relay.open({
      gateway: GATEWAYS[1]!,
      alter: (path, body) => (path.startsWith("/v1/checkpoints/") ? anotherLedger(body) : body),
    });
    resources.use(liar);
    const { status, stdout } = await soma.run("status", "--timeout", "20", "-g", GATEWAYS[0]!, liar.url);
    expect(stdout).toContain("FORK: gateways differ at checkpoint");
    // Sentences are wrapped at the terminal's width.
    const sentence = /certificate that does not\s+hold\s+\(CERTIFICATE_SIGNATURE\)/;
    expect(stdout).toMatch(sentence);
    expect(stdout).toMatch(/Not healthy: /);
    expect(status).toBe(1);
  });

  test("--watch looks again until Ctrl-C", async () => {
    const watching = soma.start("status", "--watch", "0.2", "--json", "--timeout", "20");
    await eventually(() => expect(linesOf<Status>(watching.output).length).toBeGreaterThanOrEqual(3), {
      within: 60_000,
    });
    watching.interrupt();
    const { status, stdout } = await watching.ended;
    expect(linesOf<Status>(stdout).at(-1)).toMatchObject({ healthy: true });
    expect(status).toBe(0);
  });
});

function anotherLedger(body: Uint8Array): Uint8Array {
  const found = decodeExact(CertifiedCheckpointCodec, body, body.length);
  if (!found.ok) throw new Error(found.message);
  const { checkpoint } = found.value;
  return encode(CertifiedCheckpointCodec, {
    ...found.value,
    checkpoint: { ...checkpoint, stateDigest: checkpoint.commitDigest },
  });
}

describe("watch", () => {
  test("tells a job under way to its end, and goes on when its only gateway was away", async () => {
    const relay = await Relay.open({ gateway: GATEWAYS[2]! });
    resources.use(relay);
    const encoding = soma.start("encode", textFile("the weir"), "--out", "watched", "--json");
    const job = await jobOf("watched");
    await encoding.says(/ drawn /, 60_000);
    const watching = soma.start("watch", job, "--json", "--gateway", relay.url);
    await watching.says(/"stage":"drawn"/, 60_000);
    await relay.close();
    await watching.says(/no gateway helps/, 60_000);
    await relay.reopen();

    const { status, stdout, stderr } = await watching.ended;
    expect(status).toBe(0);
    expect(stderr).toContain("going on");
    const lines = linesOf<Line>(stdout);
    expect(lines.map(({ stage }) => stage)).toEqual(["paid", "drawn", "selected", "bundled", "closed"]);
    expect(new Set(lines.map((line) => line.job))).toEqual(new Set([job]));
    const times = lines.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));

    const ended = await encoding.ended;
    const batch = JSON.parse(ended.stdout) as { winner: string; receipt: string };
    const receipt = await soma.json<{ paid: string }>("verify", batch.receipt);
    expect(lines.at(-1)).toMatchObject({ outcome: "Settled", winner: batch.winner, paid: receipt.paid });
    expect(lines.at(-1)!.scores!.map(({ encoder }) => encoder)).toContain(batch.winner);

    // The same again, long after its end, for a person.
    const again = await soma.run("watch", job);
    expect(again.status).toBe(0);
    expect(again.stdout).toMatch(/closed +settled: e\d wins/);
    expect(again.stdout).toMatch(/composite\n/);
  });

  test("ends with 3 for a job that its submitter left", async () => {
    const encoding = soma.start("encode", textFile("the ford"), "--out", "left", "--json");
    const job = await jobOf("left");
    await encoding.says(/ paid /, 60_000);
    encoding.interrupt();
    await encoding.ended;
    const { status, stdout } = await soma.run("watch", job, "--json");
    const closed = linesOf<Line>(stdout).at(-1)!;
    expect(closed.stage).toBe("closed");
    expect(["Refunded", "Shared"]).toContain(closed.outcome);
    expect(status).toBe(3);
  }, 300_000);

  test("says clearly what is no job", async () => {
    const { address } = await soma.json<{ address: string }>("account");
    const { digest } = await soma.json<{ digest: string }>("transfer", address, "1");
    for (const [id, code] of [
      ["ab".repeat(32), "CLI_JOB_UNKNOWN"],
      ["abc", "CLI_JOB"],
      [digest, "CLI_JOB_KIND"],
    ] as const) {
      const { status, stderr } = await soma.run("watch", id);
      expect(stderr).toContain(`error ${code}: `);
      expect(status).toBe(1);
    }
  });
});

describe("tap", () => {
  test("decodes every message of a validator while a job runs", async () => {
    const tapping = soma.start("tap", "v0", "--json");
    await tapping.says(/kinds of messages/);
    expect((await soma.run("encode", textFile("the mill"), "--out", "tapped", "--json")).status).toBe(0);
    await eventually(() => expect(tapping.output).toContain("state.embeddings-recorded"));
    tapping.interrupt();
    const { status, stdout, stderr } = await tapping.ended;
    expect(status).toBe(0);
    const tapped = linesOf<Tapped>(stdout);
    expect(tapped.filter(({ code }) => code !== undefined)).toEqual([]);
    expect([...new Set(tapped.map(({ message }) => message))]).toEqual(
      expect.arrayContaining([
        "consensus.commit-decided",
        "peering.received",
        "peering.send",
        "state.checkpoint-certified",
        "state.commit-executed",
        "state.embeddings-recorded",
      ]),
    );
    expect(tapped.every(({ size, body }) => size > 0 && body !== undefined)).toBe(true);
    // Each executed commit once: nothing was lost on the way, and nothing shown twice.
    const executed = tapped.filter(({ message }) => message === "state.commit-executed");
    const indices = executed.map(({ body }) => BigInt(String(body!["index"])));
    expect(indices).toEqual(indices.map((_, i) => indices[0]! + BigInt(i)));
    expect(stderr).not.toContain("dropped");
  });

  test("shows one kind of an encoder's messages, so many times", async () => {
    const tapping = soma.start("tap", "e0", "--name", "encoder.epoch-proven", "--count", "1");
    const { status, stdout } = await tapping.ended;
    expect(stdout).toMatch(/^[0-9:.]{12} {2}encoder\.epoch-proven +[0-9.]+ KiB\n {2}\{"epoch":"/);
    expect(status).toBe(0);
  });

  test.each([
    [["v9"], "CLI_OPERATOR"],
    [["v0", "nothing"], "CLI_TAP_FILTER"],
    [["v0", "state.get-head"], "CLI_TAP_REQUEST"],
    [["--nats", "nats://127.0.0.1:1", "--network", "soma-devnet"], "TAP_UNREACHABLE"],
    [["--nats", "nats://127.0.0.1:1"], "CLI_OPTION"],
  ])("%j is refused with a code", async (args, code) => {
    const { status, stderr } = await soma.run("tap", ...args);
    expect(stderr).toContain(`error ${code}: `);
    expect(status).toBe(1);
  });

  test("a reader that has seen enough ends it quietly", () => {
    const script = `"${process.execPath}" "${SOMA}" tap v0 --json | head -n 2`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], {
      encoding: "utf8",
      cwd: folder,
      env: { PATH: process.env["PATH"], SOMA_DEVNET: network },
    });
    expect(linesOf<Tapped>(stdout)).toHaveLength(2);
    expect(stderr).not.toContain("EPIPE");
  });
});

describe("slash", () => {
  const keyOf = (operator: string) => join(network, operator, "key.json");
  const idOf = async (operator: string) =>
    (await soma.json<{ address: string }>("key", "show", keyOf(operator))).address;
  const votesOn = async (id: string) => {
    const { validators } = await soma.json<Operators>("operators");
    return validators.find((validator) => validator.id === id)?.slashVotes;
  };

  test("validators vote with their operator's key, and take it back", async () => {
    const accused = await idOf("v3");
    for (const voter of ["v0", "v1"]) {
      const { status, stdout } = await soma.run("slash", "vote", accused, "--key", keyOf(voter));
      expect(stdout).toMatch(new RegExp(`^vote: validator ${accused} at commit [0-9]+\n`));
      expect(status).toBe(0);
    }
    const { validators } = await soma.json<Operators>("operators");
    const [v0, v1] = await Promise.all(["v0", "v1"].map(idOf));
    const stake = validators
      .filter(({ id }) => id === v0 || id === v1)
      .reduce((sum, each) => sum + BigInt(each.stake), 0n);
    expect(await votesOn(accused)).toBe(String(stake));
    for (const voter of ["v0", "v1"]) {
      const told = await soma.json<{ validator: string }>(
        "slash",
        "withdraw",
        accused,
        "--key",
        keyOf(voter),
      );
      expect(told.validator).toBe(accused);
    }
    expect(await votesOn(accused)).toBe("0");
  });

  test("what a gateway makes up beside the ledger's checkpoint slashes nobody", async () => {
    const liar = await Relay.open({
      gateway: GATEWAYS[1]!,
      alter: (path, body) => (path.startsWith("/v1/checkpoints/") ? anotherLedger(body) : body),
    });
    resources.use(liar);
    const { status, stderr } = await soma.run("slash", "fork", "1", "-g", GATEWAYS[0]!, liar.url);
    expect(stderr).toContain("error EVIDENCE_SIGNATURE: ");
    expect(status).toBe(1);
  });

  test("a fork that is none is not brought to the ledger", async () => {
    const { status, stderr } = await soma.run("slash", "fork", "1");
    expect(stderr).toContain("error CLI_NO_FORK: 4 of 4 gateways have checkpoint 1");
    expect(status).toBe(1);
  });

  test.each([
    ["vote", "v3", "VOTE_SELF"],
    ["withdraw", "v0", "VOTE_ABSENT"],
    ["vote", "e0", "VOTE_STRANGER"],
  ])("%s by %s is refused with %s", async (command, voter, code) => {
    const { status, stderr } = await soma.run("slash", command, await idOf("v3"), "--key", keyOf(voter));
    expect(stderr).toContain(`error ${code}: `);
    expect(status).toBe(1);
  });
});

test("completion is loaded by the shell as the help says", () => {
  const script = `
    soma() { "${process.execPath}" "${SOMA}" "$@"; }
    source <(soma completion bash)
    COMP_WORDS=(soma stat) COMP_CWORD=1
    __soma_complete
    echo "\${COMPREPLY[@]}"
    complete -p soma`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8", cwd: folder });
  expect(stderr).toBe("");
  expect(stdout).toBe("status\ncomplete -F __soma_complete soma\n");
  expect(status).toBe(0);
});
