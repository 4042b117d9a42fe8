import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "./program.ts";

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** What `--help` prints, examples included. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return text;
}

const commands = everyCommand(buildProgram()).map((command) => [nameOf(command), command] as const);

describe.each(commands)("%s --help", (name, command) => {
  const help = helpOf(command);

  test("has an example of itself", () => {
    const examples = help.slice(help.search(/^Examples?:$/m)).split("\n");
    expect(help).toMatch(/^Examples?:$/m);
    expect(examples.some((line) => line.includes(name))).toBe(true);
  });

  test("fits in 80 columns", () => {
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("says of every option and argument what it is", () => {
    for (const { description, flags } of command.options) {
      if (flags !== "--no-color") expect(description, flags).not.toBe("");
    }
    for (const argument of command.registeredArguments) {
      expect(argument.description, argument.name()).not.toBe("");
    }
  });
});
