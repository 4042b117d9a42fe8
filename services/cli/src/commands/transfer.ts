import { formatAmount } from "@soma/client";
import type { Command } from "commander";
import { type ActFlags, act, withAct } from "../act.ts";
import { parseAddress, parseAmount, parsePositive } from "../amount.ts";
import { printJson, printLine } from "../output.ts";

export function addTransferCommand(program: Command): void {
  withAct(program.command("transfer"))
    .description("Send tokens to an address and wait until the ledger has it.")
    .argument("<to>", "address, 64 hex digits")
    .argument("<amount>", "in tokens, such as 12.5")
    .option("--tip <amount>", "tokens to the block's author", "0")
    .addHelpText(
      "after",
      "\nExample:\n  soma transfer 1f0c... 2.5\n  soma transfer 1f0c... 2.5 --for team.json --out pay.json   # soma multisig",
    )
    .action(async (to: string, text: string, flags: ActFlags & { tip: string }) => {
      const amount = parsePositive(text);
      const kind = { Transfer: { to: parseAddress(to), amount } };
      await act(flags, { kind, amount, tip: parseAmount(flags.tip) }, ({ digest, commit }) => {
        if (flags.json) printJson({ digest, commit, to, amount });
        else printLine(`sent ${formatAmount(amount)} to ${to} at commit ${commit} (${digest})`);
      });
    });
}
