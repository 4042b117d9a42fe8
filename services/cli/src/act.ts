import { SomaError } from "@soma/base";
import { MultiSigTransaction, transactionTerms } from "@soma/client";
import { type Command, Option } from "commander";
import { type ConnectionFlags, connect, genesisOf, withConnection } from "./connection.ts";
import { readAccountFile, writeNewTransactionFile } from "./multisig-file.ts";
import { printJson, printLine } from "./output.ts";
import { type Order, send } from "./send.ts";

/** Options of a command that sends a transaction, or prepares it for the signers of a multi-sig. */
export type ActFlags = ConnectionFlags & { for?: string; out?: string; json?: boolean };

/** Adds them. */
export function withAct(command: Command): Command {
  return withConnection(command)
    .addOption(
      new Option("--for <file>", "prepare it for this multi-sig account instead of sending it; needs --out"),
    )
    .addOption(new Option("--out <file>", "where to write what was prepared"))
    .option("--json", "print JSON");
}

/**
 * Sends with the account of `--key`, and tells the outcome by `told`; with `--for`, writes the transaction for the
 * multi-sig's signers instead. @throws SomaError as `send`, as the files; CLI_OPTION
 */
export async function act(
  flags: ActFlags,
  order: Order,
  told: (sent: { digest: string; commit: bigint }) => void | Promise<void>,
): Promise<void> {
  if (flags.for === undefined && flags.out === undefined) {
    await told(await send(flags, order));
    return;
  }
  if (flags.for === undefined || flags.out === undefined) {
    throw new SomaError(
      "CLI_OPTION",
      "--for and --out go together: whose transaction, and where to write it",
    );
  }
  const account = readAccountFile(flags.for);
  const { chainId } = genesisOf(flags);
  const terms = await transactionTerms({
    client: await connect(flags),
    address: account.address,
    chainId,
    // Signers need their time: until the end of the third epoch from now.
    lifetimeEpochs: 3n,
  });
  const { kind, tip = 0n } = order;
  const transaction = MultiSigTransaction.unsigned(account, { ...terms, tip, kind });
  writeNewTransactionFile(flags.out, transaction);
  const { sequence, expiryEpoch } = terms;
  const { address, threshold } = account;
  if (flags.json) printJson({ prepared: flags.out, sender: address, sequence, expiryEpoch, threshold });
  else {
    printLine(`prepared for ${address}: ${flags.out}, transaction ${sequence}, until epoch ${expiryEpoch}`);
    printLine(`next: ${threshold} of its keys sign with: soma multisig sign ${flags.out} --key <file>`);
  }
}
