import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../program.ts";
import { bashScript } from "./bash.ts";
import { commandTree } from "./command-tree.ts";
import { fishScript } from "./fish.ts";
import { zshScript } from "./zsh.ts";

const tree = commandTree(buildProgram());
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-completion-"));
  for (const name of ["notes.txt", "notes of May.txt", "key.json"]) writeFileSync(join(folder, name), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(shell: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(shell, args, {
    cwd: folder,
    input,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: folder, LD_LIBRARY_PATH: process.env["LD_LIBRARY_PATH"] },
  });
  if (error !== undefined) throw error;
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const lines = (text: string) => text.split("\n").filter((line) => line !== "");

/** What Tab offers after these words, the last of which is being typed. */
const CASES: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [["comp"], ["completion"]],
  [
    ["stake", ""],
    ["add", "remove"],
  ],
  [["stake", "--plain", "r"], ["remove"]],
  [["stake", "add", "--ro"], ["--role"]],
  [
    ["stake", "add", "--role", ""],
    ["encoder", "validator"],
  ],
  [["stake", "add", "--role", "encoder", "--ro"], ["--role"]],
  [["key", "new", "key.json", "--kind", "v"], ["validator"]],
  [
    ["completion", ""],
    ["bash", "fish", "zsh"],
  ],
  [["completion", "fish", ""], []],
  [
    ["verify", "no"],
    ["notes of May.txt", "notes.txt"],
  ],
  [["encode", "key.json", "notes.txt", "k"], ["key.json"]],
  [["verify", "--genesis", "k"], ["key.json"]],
  [["transfer", ""], []],
  [["nothing", "st"], []],
];

describe("bash", () => {
  const complete = (words: readonly string[]) => {
    const typed = ["soma", ...words].map((word) => `'${word}'`).join(" ");
    const script = join(folder, "soma.bash");
    writeFileSync(script, bashScript(tree, "soma"));
    // Twice, as a shell's start file may be read again.
    return lines(
      run("bash", [
        "--norc",
        "-euc",
        `source ${script}; source ${script}
         COMP_WORDS=(${typed}); COMP_CWORD=${words.length}
         __soma_complete || exit 1
         printf '%s\\n' "\${COMPREPLY[@]+\${COMPREPLY[@]}}"
         complete -p soma >&2 || exit 1`.replace(">&2", ">/dev/null"),
      ]),
    );
  };

  test.each(CASES)("%j is completed by %j", (words, offered) => {
    expect(complete(words).sort()).toEqual(offered);
  });

  test("a first word is one of the commands that there are", () => {
    expect(complete([""])).toEqual(buildProgram().commands.map((command) => command.name()));
  });

  test("what is typed is never run", () => {
    complete(["search", "$(touch ran)", "`touch ran`", "; touch ran", "-"]);
    expect(complete(["verify", "ra"])).toEqual([]);
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  test.each(CASES)("%j is completed by %j", (words, offered) => {
    const script = join(folder, "soma.fish");
    writeFileSync(script, fishScript(tree, "soma"));
    const typed = ["soma", ...words].join(" ");
    const out = run("fish", ["--no-config", "-c", `source ${script}; complete -C $argv[1]`, typed]);
    expect(
      lines(out)
        .map((line) => line.split("\t")[0])
        .sort(),
    ).toEqual(offered);
  });
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("the script is one that zsh can read", () => {
    run("zsh", ["-f", "-n"], zshScript(tree, "soma"));
  });
});
