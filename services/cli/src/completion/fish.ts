import { type CommandNode, everyNode, type OptionNode, type Values } from "./command-tree.ts";

/** A completion script for fish: one `complete` a subcommand, option and argument, each under its command's path. */
export function fishScript(root: CommandNode, name: string): string {
  const nodes = everyNode(root);
  const valued = nodes.flatMap(({ options }) =>
    options.flatMap(({ names, value }) => (value === undefined ? [] : names)),
  );
  return `# Completion of ${name} for fish. Load it with: ${name} completion fish | source

# The words typed so far that are neither options nor their values.
function __${name}_words
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word ${[...new Set(valued)].join(" ")}
            set skip 1
        else if not string match -q -- '-*' $word
            echo -- $word
        end
    end
end

# Whether these are the words: the command's path, then as many arguments as the first number says, or more with "+".
function __${name}_at
    set -l count $argv[1]
    set -l path $argv[2..-1]
    set -l words (__${name}_words)
    test (count $words) -ge (count $path); or return 1
    set -l i 0
    for word in $path
        set i (math $i + 1)
        test $words[$i] = $word; or return 1
    end
    set -l rest (math (count $words) - $i)
    switch $count
        case any
            return 0
        case '*+'
            test $rest -ge (string replace + '' -- $count)
        case '*'
            test $rest -eq $count
    end
end

complete -c ${name} -f
${nodes.flatMap((node) => linesOf(node, name)).join("\n")}
`;
}

function linesOf(node: CommandNode, name: string): string[] {
  const path = node.path.join(" ");
  const at = (count: string) => `-n ${quoted(`__${name}_at ${count} ${path}`.trimEnd())}`;
  const start = `complete -c ${name}`;
  const commands = node.commands.map(
    (child) => `${start} ${at("0")} -a ${quoted(child.path.at(-1)!)} -d ${quoted(child.description)}`,
  );
  const options = node.options.map((option) => `${start} ${at("any")} ${optionOf(option)}`);
  const places = node.arguments.flatMap((values, i) => {
    const isLast = node.isVariadic && i === node.arguments.length - 1;
    const action = actionOf(values);
    return action === "" ? [] : [`${start} ${at(isLast ? `${i}+` : String(i))} ${action}`];
  });
  return [...commands, ...options, ...places];
}

function optionOf({ names, description, value }: OptionNode): string {
  const flags = names.map((n) => (n.startsWith("--") ? `-l ${n.slice(2)}` : `-s ${n.slice(1)}`));
  // Without -x files would be offered beside the words.
  const takes = value === undefined ? "" : value.kind === "file" ? "-r -F" : `-x ${actionOf(value)}`;
  return `${flags.join(" ")} -d ${quoted(description)} ${takes}`.trimEnd();
}

function actionOf(values: Values): string {
  if (values.kind === "file") return "-F";
  return values.kind === "words" ? `-a ${quoted(values.words.join(" "))}` : "";
}

function quoted(text: string): string {
  return `'${text.replace(/\s+/g, " ").replace(/[\\']/g, "\\$&")}'`;
}
