import type { Command } from "commander";
import { type ConnectionFlags, devnetFile, genesisPathOf } from "../connection.ts";
import { verifyCommand } from "../verify/verify.ts";

export function addVerifyCommand(program: Command): void {
  program
    .command("verify")
    .description("Verify a job's receipt from the genesis file alone, without a network.")
    .argument("<receipt>", "a .soma-receipt file")
    .option("--genesis <file>", "the network's genesis file; default: the devnet's of this folder")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nStatus 0 if it holds, else 1, with the reason on standard error.\n\nExample:\n  soma verify soma-results/3f2a.soma-receipt --genesis genesis.bin",
    )
    .action(async (receipt: string, flags: ConnectionFlags & { json?: boolean }) => {
      const genesisPath = genesisPathOf(flags);
      const names = new Map(devnetFile()?.operators?.map(({ id, name }) => [id, name]));
      process.exitCode = await verifyCommand(
        receipt,
        { genesisPath, json: flags.json === true, nameOf: (id) => names.get(id) },
        process.stdout,
      );
    });
}
