import { readFileSync } from "node:fs";
import { toHex } from "@soma/base";
import { accountOfKeyFile, createKeyFile, type KeyKind, loadKeyFile } from "@soma/identity";
import { type Command, Option } from "commander";
import { printJson, printLine } from "../output.ts";

export function addKeyCommand(program: Command): void {
  const key = program
    .command("key")
    .description("Make and show key files.")
    .addHelpText("after", "\nExamples:\n  soma key new wallet.json\n  soma key show wallet.json");
  key
    .command("new")
    .description("Make a new key file, readable by you alone. Back it up: there is no other copy.")
    .argument("<file>", "where to write it")
    .addOption(
      new Option("--kind <kind>", "whose key it is")
        .choices(["account", "validator", "encoder"])
        .default("account"),
    )
    .option("--seed-file <file>", "restore a key from its seed, 64 hex digits in a file; - for stdin")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  soma key new wallet.json\n  soma key new validator.json --kind validator\n  soma key new wallet.json --seed-file - < seed.txt",
    )
    .action((path: string, flags: { kind: KeyKind; seedFile?: string; json?: boolean }) => {
      const { kind, seedFile } = flags;
      // Never an argument: every user of the machine sees those.
      const seed = seedFile && readFileSync(seedFile === "-" ? 0 : seedFile, "utf8").trim();
      const file = createKeyFile(path, kind, seed);
      const address = accountOfKeyFile(file).address;
      if (flags.json) printJson({ path, kind: file.kind, address });
      else printLine(`${file.kind} ${address}\nwritten to ${path}`);
    });
  key
    .command("show")
    .description("Show the address and public key of a key file; the secret stays in it.")
    .argument("<file>", "a key file")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  soma key show wallet.json --json")
    .action((path: string, flags: { json?: boolean }) => {
      const file = loadKeyFile(path);
      const { address, publicKey } = accountOfKeyFile(file);
      if (flags.json) printJson({ path, kind: file.kind, address, publicKey: toHex(publicKey) });
      else printLine(`${file.kind} ${address}\npublic key ${toHex(publicKey)}`);
    });
}
