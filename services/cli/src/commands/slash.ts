import { SomaError } from "@soma/base";
import { formatAmount, GatewayClient } from "@soma/client";
import { encode } from "@soma/codec";
import { CertifiedCheckpointCodec, CheckpointCodec, type TransactionKindInput } from "@soma/protocol";
import type { Command } from "commander";
import { type ActFlags, act, withAct } from "../act.ts";
import { parseAddress } from "../amount.ts";
import { connect, gatewaysOf } from "../connection.ts";
import { printJson, printLine } from "../output.ts";

export function addSlashCommand(program: Command): void {
  const slash = program
    .command("slash")
    .description("Votes of validators that another should lose stake, and evidence of forks.")
    .addHelpText(
      "after",
      `
While votes of more than two thirds of the committee's stake stand, that
validator earns nothing and loses a part of its stake at the end of each epoch.
A vote lapses when its voter has no seat any more. soma operators shows the
stake that votes.

Example:
  soma slash vote 1f0c... --key validator.json`,
    );
  const add = (name: string, description: string, kindOf: (validator: string) => TransactionKindInput) =>
    withAct(slash.command(name))
      .description(description)
      .argument("<validator>", "the accused validator's id, as soma operators shows it")
      .addHelpText(
        "after",
        `\nThe key is the voting validator's.\n\nExample:\n  soma slash ${name} 1f0c... --key validator.json`,
      )
      .action(async (text: string, flags: ActFlags) => {
        const validator = parseAddress(text);
        await act(flags, { kind: kindOf(validator), amount: 0n }, async ({ digest, commit }) => {
          const view = await (await connect(flags)).operators();
          const stake = view.validators.find(({ id }) => id === validator)?.slashVotes ?? 0n;
          if (flags.json) printJson({ digest, commit, validator, slashVotes: stake });
          else {
            printLine(`${name}: validator ${validator} at commit ${commit}`);
            printLine(`${formatAmount(stake)} staked votes to slash it`);
          }
        });
      });
  withAct(slash.command("fork"))
    .description(
      "Bring two certified checkpoints of one place to the ledger: who signed both is slashed (CONS-13).",
    )
    .argument("<sequence>", "the checkpoint's number, as soma status names it")
    .addHelpText(
      "after",
      `
Asks each of the gateways for that checkpoint. Anybody may do it, and gets a
part of what is slashed; the first gateway's ledger executes it.

Example:
  soma slash fork 4711 -g https://a.example https://b.example`,
    )
    .action(async (text: string, flags: ActFlags) => {
      const sequence = parseSequence(text);
      const [first, second] = await forkOf(gatewaysOf(flags), sequence);
      const kind = { SubmitCheckpointFork: { first, second } };
      await act(flags, { kind, amount: 0n }, ({ digest, commit }) => {
        if (flags.json) printJson({ digest, commit, sequence });
        else printLine(`fork at checkpoint ${sequence} is on the ledger at commit ${commit}`);
      });
    });
  add("vote", "Vote to slash a validator; the vote stands until it is withdrawn.", (validator) => ({
    VoteSlash: { validator },
  }));
  add("withdraw", "Take a standing vote back.", (validator) => ({ WithdrawSlashVote: { validator } }));
}

function parseSequence(text: string): bigint {
  if (/^[1-9][0-9]{0,18}$/.test(text)) return BigInt(text);
  throw new SomaError("CLI_OPTION", `${text} is not a checkpoint's number, such as 4711`);
}

/**
 * The first two answers that are over different checkpoints. @throws SomaError CLI_NO_FORK; GATEWAY_* if fewer than two
 * gateways answer
 */
async function forkOf(
  gateways: readonly string[],
  sequence: bigint,
): Promise<readonly [Uint8Array, Uint8Array]> {
  const answers = await Promise.allSettled(
    gateways.map((gateway) => new GatewayClient({ gateways: [gateway], retries: 0 }).checkpoint(sequence)),
  );
  const failed = answers.find((answer) => answer.status === "rejected");
  const found = answers.flatMap((answer) =>
    answer.status === "fulfilled" && answer.value !== undefined ? [answer.value] : [],
  );
  if (found.length < 2 && failed !== undefined) throw failed.reason;
  const idOf = (index: number) =>
    Buffer.from(encode(CheckpointCodec, found[index]!.checkpoint)).toString("hex");
  const other = found.findIndex((_, index) => index > 0 && idOf(index) !== idOf(0));
  if (other < 0) {
    throw new SomaError(
      "CLI_NO_FORK",
      `${found.length} of ${gateways.length} gateways have checkpoint ${sequence}, and do not differ in it`,
    );
  }
  return [found[0]!, found[other]!].map((one) => encode(CertifiedCheckpointCodec, one)) as [
    Uint8Array,
    Uint8Array,
  ];
}
