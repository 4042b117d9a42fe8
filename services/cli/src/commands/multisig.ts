import { SomaError } from "@soma/base";
import { type MultiSigAccount, type MultiSigTransaction, multiSigAccount, sendAndWait } from "@soma/client";
import { accountOfKeyFile, loadKeyFile } from "@soma/identity";
import type { Command } from "commander";
import { type ConnectionFlags, connect, withNetwork } from "../connection.ts";
import {
  readAccountFile,
  readTransactionFile,
  replaceTransactionFile,
  writeAccountFile,
  writeNewTransactionFile,
} from "../multisig-file.ts";
import { printJson, printLine } from "../output.ts";
import { wireJson } from "../wire-json.ts";

interface Json {
  readonly json?: boolean;
}

export function addMultisigCommand(program: Command): void {
  const multisig = program
    .command("multisig")
    .description("Accounts that several keys control: some of them sign each transaction.")
    .addHelpText(
      "after",
      `
The members give their public keys (soma key show); a file names them and how
many must sign. A transaction is prepared with --for and --out of the command
that would send it, passes from signer to signer as a file, and is sent by
anybody.

Example:
  soma multisig new team.json --threshold 2 5f3a... 91bc... c07d...
  soma transfer 1f0c... 2.5 --for team.json --out pay.json
  soma multisig sign pay.json --key ann.json
  soma multisig sign pay.json --key bob.json
  soma multisig submit pay.json`,
    );
  addNew(multisig);
  addShow(multisig);
  addSign(multisig);
  addCombine(multisig);
  addSubmit(multisig);
}

function addNew(multisig: Command): void {
  multisig
    .command("new")
    .description("Name the keys of an account in a file, and show its address.")
    .argument("<file>", "where to write it; nothing in it is secret")
    .argument("<key...>", "public keys, 64 hex digits each; their order does not matter")
    .requiredOption("-t, --threshold <number>", "how many of them must sign")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma multisig new team.json --threshold 2 5f3a... 91bc... c07d...")
    .action((file: string, keys: string[], flags: Json & { threshold: string }) => {
      const bad = keys.find((key) => !/^[0-9a-f]{64}$/.test(key));
      if (bad !== undefined) {
        throw new SomaError(
          "CLI_OPTION",
          `${bad} is not a public key: 64 lower-case hex digits, as soma key show tells`,
        );
      }
      const threshold = /^[0-9]{1,3}$/.test(flags.threshold) ? Number(flags.threshold) : Number.NaN;
      const account = multiSigAccount(threshold, keys);
      if (!account.ok) throw new SomaError(account.code, account.message);
      writeAccountFile(file, account.value);
      tellAccount(account.value, flags);
    });
}

function addShow(multisig: Command): void {
  multisig
    .command("show")
    .description("Show an account's address and keys, or what a transaction does and who has signed it.")
    .argument("<file>", "of an account or a transaction")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  soma multisig show team.json\n  soma multisig show pay.json --json")
    .action((file: string, flags: Json) => {
      try {
        tellTransaction(readTransactionFile(file), flags);
      } catch (error) {
        if (!(error instanceof SomaError) || error.code !== "CLI_FILE") throw error;
        tellAccount(readAccountFile(file), flags);
      }
    });
}

function addSign(multisig: Command): void {
  multisig
    .command("sign")
    .description("Add a member's signature to a transaction's file. No network is needed.")
    .argument("<file>", "a transaction's file")
    .requiredOption("-k, --key <file>", "the member's key file")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nLook first: soma multisig show.\n\nExample:\n  soma multisig sign pay.json --key ann.json",
    )
    .action((file: string, flags: Json & { key: string }) => {
      const transaction = readTransactionFile(file);
      const signed = transaction.sign(accountOfKeyFile(loadKeyFile(flags.key)));
      if (!signed.ok) throw new SomaError(signed.code, `${flags.key}: ${signed.message}`);
      replaceTransactionFile(file, transaction);
      tellTransaction(transaction, flags);
    });
}

function addCombine(multisig: Command): void {
  multisig
    .command("combine")
    .description("Put the signatures of several copies of one transaction together.")
    .argument("<file...>", "copies of a transaction's file")
    .requiredOption("-o, --out <file>", "where to write it")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma multisig combine pay-ann.json pay-bob.json --out pay.json")
    .action((files: string[], flags: Json & { out: string }) => {
      const [first, ...others] = files.map(readTransactionFile) as [
        MultiSigTransaction,
        ...MultiSigTransaction[],
      ];
      for (const [index, other] of others.entries()) {
        const merged = first.merge(other);
        if (!merged.ok) throw new SomaError(merged.code, `${files[index + 1]}: ${merged.message}`);
      }
      writeNewTransactionFile(flags.out, first);
      tellTransaction(first, flags);
    });
}

function addSubmit(multisig: Command): void {
  withNetwork(multisig.command("submit"))
    .description("Send a transaction that enough have signed, and wait until the ledger has it.")
    .argument("<file>", "a transaction's file")
    .option("--json", "print JSON")
    .addHelpText("after", "\nSending it again changes nothing.\n\nExample:\n  soma multisig submit pay.json")
    .action(async (file: string, flags: ConnectionFlags & Json) => {
      const transaction = readTransactionFile(file);
      const signed = transaction.signed();
      if (!signed.ok) throw new SomaError(signed.code, `${file}: ${signed.message}`);
      const { digest } = signed.value;
      const commit = await sendAndWait(await connect(flags), signed.value);
      if (flags.json) printJson({ digest, commit, sender: transaction.account.address });
      else printLine(`transaction of ${transaction.account.address} at commit ${commit} (${digest})`);
    });
}

function tellAccount({ address, threshold, publicKeys }: MultiSigAccount, { json }: Json): void {
  if (json) {
    printJson({ address, threshold, publicKeys });
    return;
  }
  printLine(`account   ${address}`);
  printLine(`signers   ${threshold} of ${publicKeys.length}`);
  for (const key of publicKeys) printLine(`key       ${key}`);
}

function tellTransaction(transaction: MultiSigTransaction, { json }: Json): void {
  const { account, signers, missing } = transaction;
  const { chainId, sequence, expiryEpoch, tip, kind } = transaction.transaction;
  const content = wireJson(kind);
  if (json) {
    const { address: sender, threshold } = account;
    printJson({ chainId, sender, sequence, expiryEpoch, tip, kind: content, threshold, signers, missing });
    return;
  }
  printLine(`does      ${JSON.stringify(content)}`);
  printLine(`account   ${account.address}, its transaction ${sequence}`);
  printLine(`network   ${chainId}, until epoch ${expiryEpoch}`);
  for (const key of account.publicKeys) {
    printLine(`key       ${key} ${signers.includes(key) ? "signed" : "-"}`);
  }
  printLine(missing === 0 ? "complete: soma multisig submit sends it" : `${missing} more must sign`);
}
