import { formatAmount } from "@soma/client";
import type { Command } from "commander";
import { parseAddress } from "../amount.ts";
import { accountOf, type ConnectionFlags, connect, withConnection } from "../connection.ts";
import { printJson, printLine } from "../output.ts";

export function addAccountCommand(program: Command): void {
  withConnection(program.command("account"))
    .description("Show an account: balance, next sequence number, stakes.")
    .argument("[address]", "default: the address of --key")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  soma account\n  soma account 1f0c... --json")
    .action(async (address: string | undefined, flags: ConnectionFlags & { json?: boolean }) => {
      const owner = address === undefined ? accountOf(flags).address : parseAddress(address);
      const view = await (await connect(flags)).account(owner);
      if (flags.json) {
        printJson(view);
        return;
      }
      printLine(`account   ${view.address}${view.exists ? "" : " (never used)"}`);
      printLine(`balance   ${formatAmount(view.balance)}`);
      printLine(`sequence  ${view.sequence}`);
      for (const stake of view.stakes) {
        const parts = [`${formatAmount(stake.active)} active`];
        if (stake.pending > 0n) parts.push(`${formatAmount(stake.pending)} pending`);
        if (stake.unbonding > 0n) parts.push(`${formatAmount(stake.unbonding)} unbonding`);
        printLine(`stake     ${stake.role} ${stake.operator}: ${parts.join(", ")}`);
      }
      printLine(`as of     commit ${view.commit}`);
    });
}
