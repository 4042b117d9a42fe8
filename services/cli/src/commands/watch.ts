import { isHex, SomaError } from "@soma/base";
import type { Hex32 } from "@soma/protocol";
import type { Command } from "commander";
import { type ConnectionFlags, connect, devnetFile, genesisOf, withNetwork } from "../connection.ts";
import { printJson, printLine, short } from "../output.ts";
import { colours, errorColours } from "../terminal.ts";
import { followJob } from "../watch/follow-job.ts";
import type { StoryLine } from "../watch/job-story.ts";
import { scoreTable } from "../watch/score-table.ts";

type Flags = ConnectionFlags & { json?: boolean };

/** The job closed without embeddings that anyone was paid for. */
const NOT_SETTLED = 3;
const INTERRUPTED = 130;

export function addWatchCommand(program: Command): void {
  withNetwork(program.command("watch"))
    .description("Follow a job stage by stage until it closes, each stage proven from the genesis file.")
    .argument("<job>", "the job's id, 64 hex digits")
    .option("--json", "print a JSON object a stage")
    .addHelpText(
      "after",
      `
A job that is under way or closed is told from its payment on. If a gateway goes
away, the next one goes on. Status 0 if the job settled, 3 if it closed
otherwise, 1 if it cannot be followed.

Examples:
  soma watch 3f2a...
  soma watch 3f2a... --json | jq -r .stage
  soma watch 3f2a... -g https://a.example --genesis genesis.bin`,
    )
    .action(async (job: string, flags: Flags) => {
      process.exitCode = await runWatch(job, flags);
    });
}

async function runWatch(job: string, flags: Flags): Promise<number> {
  if (!isHex(job, 32)) {
    throw new SomaError(
      "CLI_JOB",
      `${job} is not a job's id: 64 lower-case hex digits, as soma encode --json prints it`,
    );
  }
  const names = new Map(devnetFile()?.operators?.map(({ id, name }) => [id, name]));
  const nameOf = (id: Hex32) => names.get(id) ?? short(id);
  // Nothing here need be remembered.
  process.once("SIGINT", () => process.exit(INTERRUPTED));
  let began: number | undefined;
  const tell = (line: StoryLine, checkpoint: bigint) => {
    began ??= line.timestampMs;
    if (flags.json) printJson(storyJson(job, line, checkpoint));
    else printLine(storyText(line, began));
  };
  if (!flags.json) printLine(`${colours.bold("job")} ${job}`);
  const { outcome, result } = await followJob({
    client: await connect(flags),
    genesis: genesisOf(flags),
    job,
    nameOf,
    onLine: tell,
    onTrouble: (why) => {
      const text = why === undefined ? "going on" : `no gateway helps: ${why}; trying again`;
      process.stderr.write(`${errorColours.yellow(text)}\n`);
    },
  });
  if (!flags.json && result !== undefined) printLine(`\n${scoreTable(result, nameOf).join("\n")}`);
  return outcome.$kind === "Settled" ? 0 : NOT_SETTLED;
}

/** Time since the payment, by the commits' own clock. */
function storyText({ stage, commit, timestampMs, text }: StoryLine, began: number | undefined): string {
  const since =
    timestampMs === undefined || began === undefined ? "-" : `${((timestampMs - began) / 1000).toFixed(1)} s`;
  return `${colours.dim(since.padStart(8))}  ${colours.dim(`commit ${commit}`)}  ${stage.padEnd(8)}  ${text}`;
}

function storyJson(job: string, line: StoryLine, checkpoint: bigint): object {
  const { stage, commit, timestampMs, text, detail } = line;
  return { job, stage, commit, checkpoint, timestampMs: timestampMs ?? null, text, ...detail };
}
