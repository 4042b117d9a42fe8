import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addSimCommand } from "./sim.ts";

const MAIN = join(import.meta.dirname, "../main.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sim-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Standard output of the real command. */
async function soma(...args: readonly string[]): Promise<string> {
  const command = [MAIN, "sim", "security", ...args];
  return (await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 24 })).stdout;
}

/** What is said to arguments that are refused. */
async function refusal(...args: readonly string[]): Promise<string> {
  const program = new Command("soma");
  let said = "";
  addSimCommand(program);
  const everyOne = (command: Command): Command[] => [command, ...command.commands.flatMap(everyOne)];
  for (const command of everyOne(program)) {
    command.exitOverride().configureOutput({
      writeErr: (text) => {
        said += text;
      },
    });
  }
  await expect(program.parseAsync(["sim", "security", ...args], { from: "user" })).rejects.toMatchObject({
    code: "commander.invalidArgument",
  });
  return said;
}

describe("soma sim security", () => {
  test.each([
    ["--dishonest", "0.5", "less than a half"],
    ["--dishonest", "0", "more than 0"],
    ["--dishonest", "1/0", "such as 1/3"],
    ["--dishonest", "a third", "such as 1/3"],
    ["--budget", "0", "such as 1e-13"],
    ["--budget", "2", "such as 1e-13"],
    ["--jobs", "-1", "Jobs a second"],
    ["--jobs", "many", "Jobs a second"],
    ["--encoders", "0", "whole number from 1 on"],
    ["--encoders", "2000000", "At most 100,000"],
    ["--draws", "1.5", "whole number from 1 on"],
    ["--threads", "1000", "At most 256"],
    ["--seed", "-3", "whole number from 0 on"],
  ])("%s %s is refused: %s", async (option, value, message) => {
    expect(await refusal(option, value)).toContain(message);
  });

  test("an unknown study is refused with those that there are", async () => {
    expect(await refusal("luck")).toContain("poisson");
  });

  test("a folder that cannot be written to is named", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(soma("sizes", "--csv", file)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`error CLI_FOLDER: ${file} cannot be written to`),
    });
  });

  test("prints a table a study, in their order", async () => {
    const printed = await soma("poisson", "sizes");
    expect(printed.indexOf("SHARD-2")).toBeGreaterThan(-1);
    expect(printed.indexOf("ECON-9")).toBeGreaterThan(printed.indexOf("SHARD-2"));
    expect(printed).toMatch(/1\.00e-13 +100,000 +3\.17 years +2\.20 years/);
  });

  test("--json has each fraction exactly and as a number", async () => {
    const report = JSON.parse(await soma("capture", "--json"));
    const row = report.capture.find(
      ({ share, shard }: { share: { exact: string }; shard: { seats: number } }) =>
        share.exact === "1/3" && shard.seats === 41,
    );
    expect(row.tails.proof.value).toBeCloseTo(2.63e-4, 6);
    expect(row.tails.proof.exact).toMatch(/^\d+\/\d+$/);
    expect(Object.keys(report)).toEqual(["question", "capture"]);
  });

  test("--csv and --svg write a file a study", async () => {
    await soma("sizes", "budgets", "--csv", join(folder, "csv"), "--svg", join(folder, "svg"));
    expect(readdirSync(join(folder, "csv")).sort()).toEqual(["budgets.csv", "sizes.csv"]);
    expect(readdirSync(join(folder, "svg")).sort()).toEqual(["budgets.svg", "sizes.svg"]);
    const lines = readFileSync(join(folder, "csv/sizes.csv"), "utf8").split("\n");
    expect(lines[0]).toBe("network,dishonest,quorum,size,first,quorum_tail,proof_tail,majority_tail");
    expect(lines[1]).toMatch(/^20,7,0\.8,9,9,0,/);
  });
});
