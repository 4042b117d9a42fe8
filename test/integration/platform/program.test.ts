import { execFile } from "node:child_process";
import { cp, mkdir, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { TestResources } from "@soma/testkit";
import { afterAll, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, "../../../services/cli/bin/program.mjs");

const FILES: Record<string, string> = {
  "package-lock.json": "{}",
  "services/cli/package.json": '{ "type": "module" }',
  "services/cli/src/main.ts": `
    import { readFileSync } from "node:fs";
    import { join } from "node:path";
    import { Worker } from "node:worker_threads";
    import { word } from "./word.ts";
    const beside: string = readFileSync(join(import.meta.dirname, "beside.txt"), "utf8");
    const thread = new Worker(new URL("./threads/echo.ts", import.meta.url));
    thread.once("message", (said: string) => console.log(word, beside, said, import.meta.url.endsWith("src/main.ts")));
  `,
  "services/cli/src/word.ts": 'export const word: string = "one";',
  "services/cli/src/beside.txt": "file",
  "services/cli/src/threads/echo.ts": `
    import { parentPort } from "node:worker_threads";
    import { word } from "../word.ts";
    parentPort!.postMessage(\`thread \${word}\`);
  `,
  "shared/base/package.json": "{}",
  "shared/base/src/index.ts": "export {};",
};

const resources = new TestResources();
afterAll(() => resources.close());

let root: string;
beforeEach(async () => {
  root = await realpath(await resources.folder());
  for (const [name, content] of Object.entries(FILES)) await write(name, content);
});

async function write(name: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}

/** The file chosen for the checkout, and what it prints. */
async function start(): Promise<{ file: string; output: string }> {
  const code = `
    import { pathToFileURL } from "node:url";
    const { programFile } = await import(${JSON.stringify(PROGRAM)});
    const file = await programFile(${JSON.stringify(root)});
    console.log(file);
    await import(pathToFileURL(file).href);`;
  await write("start.mjs", code);
  const { stdout } = await run(process.execPath, [join(root, "start.mjs")]);
  const [file, ...lines] = stdout.trim().split("\n");
  return { file: file!, output: lines.join("\n") };
}

test("a bundle does what the sources do, with their threads and the files beside them", async () => {
  const { file, output } = await start();
  expect(file).toMatch(/\/\.cache\/bundle\/[0-9a-f]{24}\/main\.js$/);
  expect(output).toBe("one file thread one true");
  expect((await start()).file).toBe(file);
});

test("a change of a source, of a dependency or of the place is another bundle", async () => {
  const first = await start();
  await write("services/cli/src/word.ts", 'export const word: string = "two";');
  const second = await start();
  expect(second.output).toBe("two file thread two true");
  expect(second.file).not.toBe(first.file);
  await write("package-lock.json", '{ "changed": true }');
  expect((await start()).file).not.toBe(second.file);
  await write("services/cli/src/word.test.ts", "a test is no part of it");
  await write("package-lock.json", "{}");
  expect((await start()).file).toBe(second.file);
  const before = root;
  root = `${before}-moved`;
  resources.defer(() => rm(root, { recursive: true, force: true }));
  await cp(before, root, { recursive: true });
  await write("services/cli/src/beside.txt", "moved");
  expect((await start()).output).toBe("two moved thread two true");
});

test("several that start at once have one bundle", async () => {
  const started = await Promise.all([1, 2, 3].map(() => start()));
  expect(new Set(started.map(({ file }) => file)).size).toBe(1);
  expect(started.every(({ output }) => output === "one file thread one true")).toBe(true);
  expect(await readdir(join(root, ".cache/bundle"))).toHaveLength(1);
});

test("sources run as they are where no bundle can be kept", async () => {
  // For root too, a file is no folder.
  await write(".cache", "");
  const { file, output } = await start();
  expect(file).toBe(join(root, "services/cli/src/main.ts"));
  expect(output).toBe("one file thread one true");
  await rm(join(root, ".cache"));
  expect((await start()).file).toMatch(/main\.js$/);
});
