import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";
import { addAccountCommand } from "./commands/account.ts";
import { addClassifyCommand } from "./commands/classify.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addConformanceCommand } from "./commands/conformance.ts";
import { addDevnetCommand } from "./commands/devnet.ts";
import { addEncodeCommand } from "./commands/encode.ts";
import { addKeyCommand } from "./commands/key.ts";
import { addMultisigCommand } from "./commands/multisig.ts";
import { addOperatorsCommand } from "./commands/operators.ts";
import { addOverrideCommand } from "./commands/override.ts";
import { addRecommendCommand } from "./commands/recommend.ts";
import { addRunCommand } from "./commands/run.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addSimCommand } from "./commands/sim.ts";
import { addSlashCommand } from "./commands/slash.ts";
import { addStakeCommand } from "./commands/stake.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addTapCommand } from "./commands/tap.ts";
import { addTransferCommand } from "./commands/transfer.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { addWatchCommand } from "./commands/watch.ts";
import { ROOT } from "./devnet/governed-files.ts";

const COMMANDS = [
  addDevnetCommand,
  addEncodeCommand,
  addSearchCommand,
  addRecommendCommand,
  addClassifyCommand,
  addVerifyCommand,
  addAccountCommand,
  addTransferCommand,
  addOperatorsCommand,
  addStakeCommand,
  addSlashCommand,
  addKeyCommand,
  addMultisigCommand,
  addStatusCommand,
  addWatchCommand,
  addTapCommand,
  addRunCommand,
  addOverrideCommand,
  addConformanceCommand,
  addSimCommand,
  addCompletionCommand,
];

/** The `soma` command with everything under it. */
export function buildProgram(): Command {
  const program = new Command("soma")
    .description("Embeddings that nobody has to trust one party for.")
    .configureHelp({ showGlobalOptions: true })
    .version(version(), "-V, --version", "print the version")
    .showHelpAfterError("(--help lists what there is)")
    // Both are read in terminal.ts before anything is printed; here they are declared.
    .option("--plain", "no colours, nothing redrawn; NO_COLOR=1 does the same")
    .addOption(new Option("--no-color").hideHelp())
    .addHelpText(
      "after",
      "\nExample:\n  soma devnet --demo      a whole network here, and one job through it",
    );
  for (const add of COMMANDS) add(program);
  return program;
}

function version(): string {
  const text = readFileSync(join(ROOT, "package.json"), "utf8");
  return z.looseObject({ version: z.string() }).parse(JSON.parse(text)).version;
}
