import { type CommandNode, everyNode, type OptionNode, type Values } from "./command-tree.ts";

/**
 * A completion script for bash 3.2 and later that needs nothing else. It looks up what is typed in tables and never
 * evaluates it, and starts no process: Node alone would take longer than a person waits for a Tab.
 */
export function bashScript(root: CommandNode, name: string): string {
  const nodes = everyNode(root);
  return `# Completion of ${name} for bash. Load it with: source <(${name} completion bash)

# Says what may follow: subcommands, options, options with a value, and of each argument what it is.
__${name}_node() {
  __words= __options= __valued= __arguments= __variadic=
  case "$1" in
${nodes.map((node) => nodeCase(node)).join("\n")}
  esac
}

# Says what the value of an option is.
__${name}_value() {
  __kind=any
  case "$1 $2" in
${nodes.flatMap((node) => valueCases(node)).join("\n")}
  esac
}

__${name}_complete() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path="" option="" count=0 i word
  local __words __options __valued __arguments __variadic __kind
  COMPREPLY=()
  __${name}_node ""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $option ]]; then option=""; continue; fi
    case "$word" in
      --) option=""; break ;;
      -*) [[ " $__valued " == *" $word "* ]] && option=$word ;;
      *)
        if [[ " $__words " == *" $word "* ]]; then
          path="$path \${word}"; path=\${path# }; count=0
          __${name}_node "$path"
        else
          count=$((count + 1))
        fi ;;
    esac
  done
  if [[ -n $option ]]; then
    __${name}_value "$path" "$option"
  elif [[ $cur == -* ]]; then
    __kind="words:$__options"
  elif [[ -n $__words && $count -eq 0 ]]; then
    __kind="words:$__words"
  else
    local kinds
    IFS=';' read -r -a kinds <<< "$__arguments"
    if ((count >= \${#kinds[@]})) && [[ -n $__variadic ]]; then count=$((\${#kinds[@]} - 1)); fi
    __kind=\${kinds[count]:-any}
  fi
  case "$__kind" in
    file) compopt -o filenames 2>/dev/null; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur") ;;
    words:*) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "\${__kind#words:}" -- "$cur") ;;
  esac
}

complete -F __${name}_complete ${name}
`;
}

function nodeCase(node: CommandNode): string {
  const words = node.commands.map(({ path }) => path.at(-1)!).join(" ");
  const options = node.options.flatMap(({ names }) => names).join(" ");
  const valued = node.options.flatMap(({ names, value }) => (value === undefined ? [] : names)).join(" ");
  return `    ${quoted(node.path.join(" "))})
      __words=${quoted(words)}
      __options=${quoted(options)}
      __valued=${quoted(valued)}
      __arguments=${quoted(node.arguments.map(kindOf).join(";"))}
      __variadic=${node.isVariadic ? "yes" : ""} ;;`;
}

function valueCases(node: CommandNode): string[] {
  const known = node.options.filter(({ value }) => value !== undefined && value.kind !== "any");
  return known.map((option) => `    ${patternsOf(node, option)}) __kind=${quoted(kindOf(option.value!))} ;;`);
}

function patternsOf({ path }: CommandNode, { names }: OptionNode): string {
  return names.map((name) => quoted(`${path.join(" ")} ${name}`)).join("|");
}

function kindOf(values: Values): string {
  return values.kind === "words" ? `words:${values.words.join(" ")}` : values.kind;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
