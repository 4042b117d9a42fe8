import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { DEVNET_FILE, DEVNET_FOLDER, type DevnetFile } from "../connection.ts";
import { runDemo } from "../devnet/demo.ts";
import { DevnetNetwork, gatewaysOf, tapCredentialsOf } from "../devnet/network.ts";
import { planDevnet } from "../devnet/plan.ts";
import { printFailure, printLine } from "../output.ts";
import { colours as pc } from "../terminal.ts";

interface Flags {
  readonly folder: string;
  readonly validators: string;
  readonly encoders: string;
  readonly basePort: string;
  readonly fresh?: boolean;
  readonly demo?: boolean;
  readonly once?: boolean;
  readonly perService?: boolean;
}

const READY_WITHIN_MS = 120_000;

export function addDevnetCommand(program: Command): void {
  program
    .command("devnet")
    .description(
      "Run a whole network on this machine: real processes, each operator with its own NATS and database.",
    )
    .option("--folder <folder>", "where the network lives", DEVNET_FOLDER)
    .option("--validators <n>", "validators", "4")
    .option("--encoders <n>", "encoders", "8")
    .option("--base-port <port>", "first of the loopback ports it uses", "4700")
    .option("--fresh", "begin a new network, removing the one in the folder")
    .option("--demo", "have the sample texts embedded and tell each stage")
    .option("--once", "end after the demo; status 0 only if every check held")
    .option("--per-service", "one process a service instead of one an operator")
    .addHelpText(
      "after",
      `
Runs until Ctrl-C. Other commands in this folder find the network by themselves.

Examples:
  soma devnet --demo
  soma devnet --fresh --demo --once
  soma devnet --validators 7 --encoders 12 --per-service`,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await runDevnet(flags);
    });
}

async function runDevnet(flags: Flags): Promise<number> {
  const folder = resolve(flags.folder);
  if (flags.fresh) rmSync(folder, { recursive: true, force: true });
  const began = performance.now();
  const say = (text: string) =>
    printLine(`${pc.dim(`${((performance.now() - began) / 1000).toFixed(1)} s`.padStart(7))}  ${text}`);
  const plan = planDevnet({
    folder,
    validators: count(flags.validators, 1, 32),
    encoders: count(flags.encoders, 1, 64),
    basePort: count(flags.basePort, 1024, 65_000),
  });
  const stopped = new Promise<void>((done) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => done());
  });
  const network = await DevnetNetwork.start({
    plan,
    genesis: {},
    processes: flags.perService ? "service" : "operator",
    onProgress: say,
    env: process.env,
  });
  let status = 0;
  try {
    await Promise.race([network.ready(READY_WITHIN_MS), stopped.then(() => Promise.reject(new Stopped()))]);
    const gateways = gatewaysOf(plan);
    writeDevnetFile(folder, {
      gateways,
      genesis: plan.genesisFile,
      wallet: plan.walletFile,
      network: plan.chainId,
      operators: plan.operators.map((operator) => ({
        name: operator.name,
        id: operator.id,
        natsUrl: `nats://127.0.0.1:${operator.natsPort}`,
        tapCredentials: tapCredentialsOf(operator),
      })),
    });
    say(`${pc.green("ready")}: API at ${gateways[0]}/v1/head`);
    if (flags.demo || flags.once) {
      await Promise.race([runDemo(network), stopped.then(() => Promise.reject(new Stopped()))]);
    }
    if (!flags.once) {
      printLine("");
      printLine(`API      ${gateways.join("  ")}`);
      printLine(`logs     ${join(folder, "logs")}`);
      printLine('try      npx soma search "an animal that hunts at night"');
      printLine("stop     Ctrl-C");
      await stopped;
    }
  } catch (error) {
    if (!(error instanceof Stopped)) {
      printFailure(error);
      status = 1;
    }
  } finally {
    say("stopping");
    await network.stop();
  }
  return status;
}

class Stopped extends Error {}

function writeDevnetFile(folder: string, file: DevnetFile): void {
  writeFileSync(join(folder, DEVNET_FILE), `${JSON.stringify(file, null, 2)}\n`);
}

function count(text: string, min: number, max: number): number {
  const value = Number.parseInt(text, 10);
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : min;
}
