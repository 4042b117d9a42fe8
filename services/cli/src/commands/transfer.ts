import { formatAmount } from "@soma/client";
import type { Command } from "commander";
import { parseAddress, parseAmount, parsePositive } from "../amount.ts";
import { type ConnectionFlags, withConnection } from "../connection.ts";
import { printJson, printLine } from "../output.ts";
import { send } from "../send.ts";

export function addTransferCommand(program: Command): void {
  withConnection(program.command("transfer"))
    .description("Send tokens to an address and wait until the ledger has it.")
    .argument("<to>", "address, 64 hex digits")
    .argument("<amount>", "in tokens, such as 12.5")
    .option("--tip <amount>", "tokens to the block's author", "0")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma transfer 1f0c... 2.5")
    .action(async (to: string, text: string, flags: ConnectionFlags & { tip: string; json?: boolean }) => {
      const amount = parsePositive(text);
      const kind = { Transfer: { to: parseAddress(to), amount } };
      const { digest, commit } = await send(flags, { kind, amount, tip: parseAmount(flags.tip) });
      if (flags.json) printJson({ digest, commit, to, amount });
      else printLine(`sent ${formatAmount(amount)} to ${to} at commit ${commit} (${digest})`);
    });
}
