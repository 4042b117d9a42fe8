import { Command } from "commander";
import { addAccountCommand } from "./commands/account.ts";
import { addConformanceCommand } from "./commands/conformance.ts";
import { addDevnetCommand } from "./commands/devnet.ts";
import { addEncodeCommand } from "./commands/encode.ts";
import { addKeyCommand } from "./commands/key.ts";
import { addRunCommand } from "./commands/run.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addStakeCommand } from "./commands/stake.ts";
import { addTransferCommand } from "./commands/transfer.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { printFailure } from "./output.ts";

const program = new Command("soma")
  .description("Embeddings that nobody has to trust one party for.")
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nStart with:\n  soma devnet --demo      a whole network on this machine, and one job through it",
  );

for (const add of [
  addDevnetCommand,
  addEncodeCommand,
  addSearchCommand,
  addVerifyCommand,
  addAccountCommand,
  addTransferCommand,
  addStakeCommand,
  addKeyCommand,
  addRunCommand,
  addConformanceCommand,
]) {
  add(program);
}

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}
