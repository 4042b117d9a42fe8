import { formatAmount } from "@soma/client";
import type { TransactionKindInput } from "@soma/protocol";
import type { Command } from "commander";
import { parseAddress } from "../amount.ts";
import { type ConnectionFlags, connect, withConnection } from "../connection.ts";
import { printJson, printLine } from "../output.ts";
import { send } from "../send.ts";

type Flags = ConnectionFlags & { json?: boolean };

export function addSlashCommand(program: Command): void {
  const slash = program
    .command("slash")
    .description("As a validator, vote that another validator should lose stake, or take that back.")
    .addHelpText(
      "after",
      `
While votes of more than two thirds of the committee's stake stand, that validator
earns nothing and loses a part of its stake at the end of each epoch. A vote lapses
when its voter has no seat any more. soma operators shows the stake that votes.

Example:
  soma slash vote 1f0c... --key validator.json`,
    );
  const add = (name: string, description: string, kindOf: (validator: string) => TransactionKindInput) =>
    withConnection(slash.command(name))
      .description(description)
      .argument("<validator>", "the accused validator's id, as soma operators shows it")
      .option("--json", "print JSON")
      .addHelpText(
        "after",
        `\nThe key is the voting validator's.\n\nExample:\n  soma slash ${name} 1f0c... --key validator.json`,
      )
      .action(async (text: string, flags: Flags) => {
        const validator = parseAddress(text);
        const { digest, commit } = await send(flags, { kind: kindOf(validator), amount: 0n });
        const view = await (await connect(flags)).operators();
        const stake = view.validators.find(({ id }) => id === validator)?.slashVotes ?? 0n;
        if (flags.json) printJson({ digest, commit, validator, slashVotes: stake });
        else {
          printLine(`${name}: validator ${validator} at commit ${commit}`);
          printLine(`${formatAmount(stake)} staked votes to slash it`);
        }
      });
  add("vote", "Vote to slash a validator; the vote stands until it is withdrawn.", (validator) => ({
    VoteSlash: { validator },
  }));
  add("withdraw", "Take a standing vote back.", (validator) => ({ WithdrawSlashVote: { validator } }));
}
