import { SomaError } from "@soma/base";
import { formatAmount } from "@soma/client";
import type { Command } from "commander";
import { parseAmount } from "../amount.ts";
import { clientTelemetry } from "../client-telemetry.ts";
import { accountOf, type ConnectionFlags, connect, genesisOf, withConnection } from "../connection.ts";
import { encodeBatch } from "../encode-job.ts";
import { ITEMS_PER_JOB, Library, readItems } from "../library.ts";
import { printJson, printLine, short } from "../output.ts";
import { colours as pc } from "../terminal.ts";

type Flags = ConnectionFlags & { out: string; lines?: boolean; batch: string; tip: string; json?: boolean };

export function addEncodeCommand(program: Command): void {
  withConnection(program.command("encode"))
    .description("Have text embedded by the network: each file (or line) is an item, each batch a job.")
    .argument("<paths...>", "files and folders of UTF-8 text")
    .option("-o, --out <folder>", "where receipts and vectors go", "soma-results")
    .option("--lines", "each line is an item")
    .option("--batch <items>", "items in a job", String(ITEMS_PER_JOB))
    .option("--tip <amount>", "tokens to each job's winner", "0")
    .option("--json", "print a JSON object a finished batch, progress on standard error")
    .addHelpText(
      "after",
      `
Stopped with Ctrl-C, the same command goes on where it was: a job that was paid
is not paid again.

Examples:
  soma encode models/samples
  soma encode notes.txt --lines --out notes-embedded --json`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const size = batchSize(flags.batch);
      const items = readItems(paths, flags.lines === true);
      const library = new Library(flags.out);
      const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
        items.slice(i * size, (i + 1) * size),
      );
      const say = (text: string) => (flags.json ? process.stderr.write(`${text}\n`) : printLine(text));
      const stop = new AbortController();
      process.once("SIGINT", () => {
        say("stopping; run the same command again to go on");
        stop.abort();
        // What must be remembered is in the journal already.
        process.exit(130);
      });
      const client = await connect(flags);
      const telemetry = clientTelemetry();
      say(
        `${items.length} ${items.length === 1 ? "item" : "items"} in ${batches.length} ${batches.length === 1 ? "job" : "jobs"}`,
      );
      try {
        for (const [i, batch] of batches.entries()) {
          const began = performance.now();
          const { result, job } = await encodeBatch(library, batch, {
            client,
            genesis: genesisOf(flags),
            account: accountOf(flags),
            tip: parseAmount(flags.tip),
            signal: stop.signal,
            telemetry,
            onProgress: ({ stage, text }) =>
              say(`[${i + 1}/${batches.length}] ${pc.dim(`${elapsed(began)}`)} ${stage.padEnd(9)} ${text}`),
          });
          const receipt = library.receiptPath(library.nameOf(batch));
          if (flags.json) {
            printJson({
              batch: i + 1,
              of: batches.length,
              job: result.job,
              winner: result.winner,
              receipt,
              resumed: job === undefined,
            });
          } else if (job === undefined) {
            printLine(`[${i + 1}/${batches.length}] done before: job ${short(result.job)}, ${receipt}`);
          } else {
            const { verified } = job;
            printLine(
              `[${i + 1}/${batches.length}] ${pc.green("verified")} job ${short(result.job)}: winner ${short(result.winner ?? "none")}, fee ${formatAmount(verified.fee)} tokens, ${receipt}`,
            );
          }
        }
      } finally {
        await telemetry.close();
      }
    });
}

function batchSize(text: string): number {
  const size = Number(text);
  if (!/^[0-9]+$/.test(text) || size < 1 || size > ITEMS_PER_JOB) {
    throw new SomaError("CLI_BATCH", `--batch ${text}: a job has 1 to ${ITEMS_PER_JOB} items`);
  }
  return size;
}

function elapsed(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s`;
}
