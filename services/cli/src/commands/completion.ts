import { Argument, type Command } from "commander";
import { bashScript } from "../completion/bash.ts";
import { commandTree } from "../completion/command-tree.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SCRIPTS;

export function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .description("Print a script that completes commands, options and files on Tab.")
    .addArgument(new Argument("<shell>", "your shell").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `
Print it anew after an update: it holds the commands as they were.

Examples:
  source <(soma completion bash)                                   in ~/.bashrc
  source <(soma completion zsh)                                     in ~/.zshrc
  soma completion fish > ~/.config/fish/completions/soma.fish              once`,
    )
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell](commandTree(program), program.name()));
    });
}
