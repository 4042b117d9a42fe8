import type { Command } from "commander";
import { type ConnectionFlags, connect, devnetFile, withConnection } from "../connection.ts";
import { operatorLines } from "../operator-lines.ts";
import { printJson, printLine } from "../output.ts";

export function addOperatorsCommand(program: Command): void {
  withConnection(program.command("operators"))
    .description("Show validators and encoders: id, stake, whether they are active, what encoders ask.")
    .option("--json", "print JSON")
    .addHelpText("after", "\nThe ids are what soma stake asks for.\n\nExample:\n  soma operators --json")
    .action(async (flags: ConnectionFlags & { json?: boolean }) => {
      const view = await (await connect(flags)).operators();
      if (flags.json) {
        printJson(view);
        return;
      }
      // Only a network on this machine has names.
      const known = flags.gateway === undefined ? (devnetFile()?.operators ?? []) : [];
      const names = new Map(known.map(({ id, name }) => [id, name]));
      for (const line of operatorLines(view, names)) printLine(line);
    });
}
