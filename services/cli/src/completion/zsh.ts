import { type CommandNode, everyNode, type OptionNode, type Values } from "./command-tree.ts";

/** A completion script for zsh: a function a command, each told to `_arguments`, zsh's own parser of command lines. */
export function zshScript(root: CommandNode, name: string): string {
  return `#compdef ${name}
# Completion of ${name} for zsh. Load it with: source <(${name} completion zsh)

${everyNode(root)
  .map((node) => functionOf(node, name))
  .join("\n\n")}

if [ "$funcstack[1]" = "_${name}" ]; then
  _${name} "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _${name} ${name}
fi
`;
}

function functionOf(node: CommandNode, name: string): string {
  const options = node.options.map(optionSpec);
  if (node.commands.length === 0) {
    const specs = [...options, ...node.arguments.map((values, i) => argumentSpec(values, i, node))];
    return `${functionName(node, name)}() {
  _arguments -s -S${specs.map((spec) => ` \\\n    ${spec}`).join("")}
}`;
  }
  const described = node.commands.map(({ path, description }) =>
    quoted(`${escaped(path.at(-1)!)}:${oneLine(description)}`),
  );
  return `${functionName(node, name)}() {
  local curcontext="$curcontext" state state_descr line
  typeset -A opt_args
  _arguments -C -S${[...options, "'1: :->command'", "'*::argument:->rest'"].map((spec) => ` \\\n    ${spec}`).join("")}
  case $state in
    command)
      local -a commands=(${described.map((entry) => `\n        ${entry}`).join("")}
      )
      _describe command commands ;;
    rest)
      case $line[1] in
${node.commands.map((child) => `        ${child.path.at(-1)!}) ${functionName(child, name)} ;;`).join("\n")}
      esac ;;
  esac
}`;
}

function functionName({ path }: CommandNode, name: string): string {
  return ["", name, ...path].join("_").replaceAll("-", "_");
}

function optionSpec({ names, description, value }: OptionNode): string {
  const text = `[${oneLine(description).replace(/[[\]\\:]/g, "\\$&")}]`;
  const action = value === undefined ? "" : `:value:${actionOf(value)}`;
  const list = `(${names.join(" ")})`;
  return names.length === 1
    ? quoted(`${names[0]}${text}${action}`)
    : `${quoted(list)}{${names.join(",")}}${quoted(`${text}${action}`)}`;
}

function argumentSpec(values: Values, index: number, { arguments: all, isVariadic }: CommandNode): string {
  const place = isVariadic && index === all.length - 1 ? "*" : String(index + 1);
  return quoted(`${place}: :${actionOf(values)}`);
}

function actionOf(values: Values): string {
  if (values.kind === "file") return "_files";
  return values.kind === "words" ? `(${values.words.map(escaped).join(" ")})` : " ";
}

function escaped(word: string): string {
  return word.replace(/[:\\() ]/g, "\\$&");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
