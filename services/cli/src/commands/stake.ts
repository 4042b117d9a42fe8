import { formatAmount } from "@soma/client";
import type { TransactionKindInput } from "@soma/protocol";
import { type Command, Option } from "commander";
import { type ActFlags, act, withAct } from "../act.ts";
import { parseAddress, parsePositive } from "../amount.ts";
import { printJson, printLine } from "../output.ts";

type Flags = ActFlags & { role: "validator" | "encoder" };

export function addStakeCommand(program: Command): void {
  const stake = program
    .command("stake")
    .description("Delegate stake to a validator or encoder, or take it back.")
    .addHelpText("after", "\nExample:\n  soma stake add 1f0c... 100 --role encoder");
  const add = (name: string, description: string, kindOf: (order: Order) => TransactionKindInput) =>
    withAct(stake.command(name))
      .description(description)
      .argument("<operator>", "the operator's id, as soma operators shows it")
      .argument("<amount>", "in tokens")
      .addOption(
        new Option("--role <role>", "what the operator is")
          .choices(["validator", "encoder"])
          .default("validator"),
      )
      .addHelpText("after", `\nExample:\n  soma stake ${name} 1f0c... 100 --role encoder`)
      .action(async (operator: string, text: string, flags: Flags) => {
        const amount = parsePositive(text);
        const role = flags.role === "validator" ? { Validator: true as const } : { Encoder: true as const };
        const kind = kindOf({ role, operator: parseAddress(operator), amount });
        // What is taken back leaves no balance.
        await act(flags, { kind, amount: name === "add" ? amount : 0n }, ({ digest, commit }) => {
          if (flags.json) printJson({ digest, commit, operator, role: flags.role, amount });
          else
            printLine(`${name}: ${formatAmount(amount)} for ${flags.role} ${operator} at commit ${commit}`);
        });
      });
  add("add", "Delegate stake; it counts from the next epoch.", (order) => ({ Delegate: order }));
  add("remove", "Take stake back; it is free after the unbonding epochs.", (order) => ({
    Undelegate: order,
  }));
}

interface Order {
  readonly role: { Validator: true } | { Encoder: true };
  readonly operator: string;
  readonly amount: bigint;
}
