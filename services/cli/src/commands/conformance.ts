import type { Command } from "commander";
import { runConformance } from "../conformance/run.ts";

export function addConformanceCommand(program: Command): void {
  program
    .command("conformance")
    .description("Check the protocol's maths: one JSON case a line in, one answer a line out.")
    .option("--list", "print the functions")
    .addHelpText("after", "\nExample:\n  soma conformance < test/vectors/sample.ndjson")
    .action(async (flags: { list?: boolean }) => {
      process.exitCode = await runConformance(process.stdin, process.stdout, { list: flags.list === true });
    });
}
