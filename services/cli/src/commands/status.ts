import { setTimeout as pause } from "node:timers/promises";
import { genesisParameters, type Hex32 } from "@soma/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { type ConnectionFlags, devnetFile, gatewaysOf, knownGenesis, withNetwork } from "../connection.ts";
import { printJson, printLine, short } from "../output.ts";
import { findingsOf } from "../status/findings.ts";
import { reportJson, reportLines } from "../status/report.ts";
import { Surveyor } from "../status/survey.ts";
import { verdictOf } from "../status/verdict.ts";
import { columns, redraws } from "../terminal.ts";

type Flags = ConnectionFlags & { watch?: number | true; timeout: number; json?: boolean };

const WATCH_SECONDS = 2;
const CLEAR = "\u001b[H\u001b[2J";

export function addStatusCommand(program: Command): void {
  withNetwork(program.command("status"))
    .description("Look at the network through all given gateways: whether it moves, agrees and is whole.")
    .option("-w, --watch [seconds]", `look again and again (default: every ${WATCH_SECONDS} s)`, parseSeconds)
    .option("--timeout <seconds>", "for an answer of a gateway", parseSeconds, 3)
    .option("--json", "print a JSON object a look")
    .addHelpText(
      "after",
      `
With a genesis file the checkpoints' certificates are verified, and the supply
is held against its cap. What else a gateway says is its own word.
Status 0 if the network is healthy, 1 if not (with --watch: at the last look).

Examples:
  soma status
  soma status --watch
  soma status -g https://a.example https://b.example --genesis genesis.bin
  soma status --json | jq .findings`,
    )
    .action(async (flags: Flags) => {
      process.exitCode = (await runStatus(flags)) ? 0 : 1;
    });
}

/** Looks once, or until Ctrl-C; says whether the network was healthy at the last look. */
async function runStatus(flags: Flags): Promise<boolean> {
  const genesis = knownGenesis(flags);
  const parameters = genesis && genesisParameters(genesis);
  const names = new Map(devnetFile()?.operators?.map(({ id, name }) => [id, name]));
  const nameOf = (id: Hex32) => names.get(id) ?? short(id).slice(0, 8);
  const surveyor = new Surveyor({ gateways: gatewaysOf(flags), genesis, timeoutMs: flags.timeout * 1000 });
  const stop = new AbortController();
  if (flags.watch !== undefined) process.once("SIGINT", () => stop.abort());
  const everyMs = (flags.watch === true ? WATCH_SECONDS : (flags.watch ?? 0)) * 1000;
  for (let looks = 0; ; looks++) {
    const survey = await surveyor.look();
    const findings = findingsOf(survey, {
      parameters: parameters?.ok ? parameters.value : undefined,
      nameOf,
    });
    const verdict = verdictOf(survey, findings);
    if (flags.json) printJson(reportJson(survey, findings, verdict));
    else {
      const lines = reportLines(survey, findings, verdict, { nameOf, width: columns() });
      const before = looks === 0 && !redraws ? "" : redraws && everyMs > 0 ? CLEAR : "\n";
      printLine(before + lines.join("\n"));
    }
    if (everyMs === 0) return verdict.healthy;
    await pause(everyMs, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) return verdict.healthy;
  }
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError("Seconds, more than 0, at most 3600.");
  return value;
}
