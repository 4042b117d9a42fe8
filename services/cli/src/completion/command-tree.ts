import type { Argument, Command, Option } from "commander";

/** What may stand in a place of a command line: files, one of some words, or anything. */
export type Values = { readonly kind: "file" } | { readonly kind: "any" } | Words;
export interface Words {
  readonly kind: "words";
  readonly words: readonly string[];
}

export interface OptionNode {
  /** As typed, with dashes: the long form first. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for a flag. */
  readonly value: Values | undefined;
}

/** A command as a shell needs to know it. */
export interface CommandNode {
  /** Below the program: `["stake", "add"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  /** Of each positional argument; a variadic last one goes on. */
  readonly arguments: readonly Values[];
  readonly isVariadic: boolean;
}

/** Reads the tree of commands off commander's own; hidden commands and options are left out. */
export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const globals = path.length === 0 ? [] : help.visibleGlobalOptions(command);
  const subcommands = help.visibleCommands(command).filter((child) => command.commands.includes(child));
  return {
    path,
    description: command.description(),
    commands: subcommands.map((child) => commandTree(child, [...path, child.name()])),
    options: [...help.visibleOptions(command), ...globals].map(optionNode),
    arguments: command.registeredArguments.map((argument) => valuesOf(argument, argument.name())),
    isVariadic: command.registeredArguments.at(-1)?.variadic === true,
  };
}

/** The node and everything under it, parents first. */
export function everyNode(root: CommandNode): CommandNode[] {
  return [root, ...root.commands.flatMap(everyNode)];
}

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  const placeholder = /[<[]([^>\]]*)[>\]]/.exec(option.flags)?.[1] ?? "";
  return {
    names: [option.long, option.short].filter((name) => name !== undefined),
    description: option.description,
    value: takesValue ? valuesOf(option, placeholder) : undefined,
  };
}

// What a value is follows from the word that stands for it in the help: <file>, <folder>, <paths...>, <receipt>.
function valuesOf({ argChoices }: Option | Argument, placeholder: string): Values {
  if (argChoices !== undefined) return { kind: "words", words: argChoices };
  return /file|folder|path|receipt/.test(placeholder) ? { kind: "file" } : { kind: "any" };
}
