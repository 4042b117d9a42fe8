import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { DEVNET_FILE, DEVNET_FOLDER, type DevnetFile } from "../connection.ts";
import { runDemo } from "../devnet/demo.ts";
import { savedGenesis } from "../devnet/genesis.ts";
import { DevnetNetwork, gatewaysOf, tapCredentialsOf } from "../devnet/network.ts";
import { planDevnet } from "../devnet/plan.ts";
import { shapeOf } from "../devnet/shape.ts";
import { Interrupted, interruption } from "../interruption.ts";
import { printFailure, printLine, wholeFrom } from "../output.ts";
import { colours as pc } from "../terminal.ts";

interface Flags {
  readonly folder: string;
  readonly validators?: number;
  readonly encoders?: number;
  readonly basePort?: number;
  readonly fresh?: boolean;
  readonly demo?: boolean;
  readonly once?: boolean;
  readonly perOperator?: boolean;
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
    .option("--validators <n>", "1 to 32 (default: 4, or the folder's)", wholeFrom(1, 32))
    .option("--encoders <n>", "1 to 64 (default: 8, or the folder's)", wholeFrom(1, 64))
    .option(
      "--base-port <port>",
      "first of the loopback ports it uses (default: 4700, or the folder's)",
      wholeFrom(1024, 65_535),
    )
    .option("--fresh", "begin a new network, removing the one in the folder")
    .option("--demo", "have the sample texts embedded and tell each stage")
    .option("--once", "end after the demo; status 0 only if every check held")
    .addOption(
      new Option("--per-operator", "one process an operator instead of few for all").conflicts("perService"),
    )
    .option("--per-service", "one process a service, as in production")
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

/** The exit status: 0 if all that was asked for was done, 1 if it failed, more if a signal ended it before. */
async function runDevnet(flags: Flags): Promise<number> {
  const signal = interruption();
  try {
    await playDevnet(flags, signal);
    return 0;
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    if (reason instanceof Interrupted) return reason.status;
    printFailure(error);
    return 1;
  }
}

async function playDevnet(flags: Flags, signal: AbortSignal): Promise<void> {
  const folder = resolve(flags.folder);
  if (flags.fresh) rmSync(folder, { recursive: true, force: true });
  const began = performance.now();
  const say = (text: string) =>
    printLine(`${pc.dim(`${((performance.now() - began) / 1000).toFixed(1)} s`.padStart(7))}  ${text}`);
  const { validators, encoders, basePort } = flags;
  const asked = {
    ...(validators && { validators }),
    ...(encoders && { encoders }),
    ...(basePort && { basePort }),
  };
  const plan = planDevnet({ folder, ...shapeOf(asked, savedGenesis(folder)) });
  const network = await DevnetNetwork.start({
    plan,
    genesis: {},
    processes: flags.perService ? "service" : flags.perOperator ? "operator" : "few",
    onProgress: say,
    env: process.env,
    signal,
  });
  try {
    await network.ready(READY_WITHIN_MS);
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
    if (flags.demo || flags.once) await orAborted(runDemo(network), signal);
    if (flags.once) return;
    printLine("");
    printLine(`API      ${gateways.join("  ")}`);
    printLine(`logs     ${join(folder, "logs")}`);
    printLine('try      npx soma search "an animal that hunts at night"');
    printLine("stop     Ctrl-C");
    await orAborted(new Promise(() => {}), signal).catch(() => {});
  } finally {
    say("stopping");
    await network.stop();
  }
}

/** @throws the signal's reason as soon as it is aborted */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
  return Promise.race([work, aborted]);
}

function writeDevnetFile(folder: string, file: DevnetFile): void {
  writeFileSync(join(folder, DEVNET_FILE), `${JSON.stringify(file, null, 2)}\n`);
}
