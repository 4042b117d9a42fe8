// `npm test`: sets up, then checks types, style and layers and runs every test. The last line is the sum:
// `N passed, N failed`. Names of steps may follow: `npm test -- unit integration`.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { node24, ROOT, runTool, setup } from "./setup.mjs";

const tool = (path) => join(ROOT, "node_modules", path);

/** What is run, in order: cheap and telling first. A check counts as one; a project counts its tests. */
const STEPS = [
  { name: "types", args: [tool("typescript/bin/tsc"), "-p", "tsconfig.json"] },
  { name: "pure-types", args: [tool("typescript/bin/tsc"), "-p", "tsconfig.pure.json"] },
  { name: "style", args: [tool("@biomejs/biome/bin/biome"), "check", "."] },
  { name: "layers", args: ["tools/check-layers.ts"] },
  { name: "generated", args: ["tools/generate-docs.ts", "--check"] },
  { name: "metrics", args: ["tools/metrics-table.ts", "--check"] },
  { name: "security", args: ["tools/security-report.ts", "--check"] },
  { name: "unit", project: true },
  { name: "fuzz", project: true },
  { name: "sim", project: true },
  { name: "integration", project: true },
  { name: "e2e", project: true },
];

let running;
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    running?.kill(signal);
    // Their servers end with them; nothing more is worth waiting for.
    setTimeout(() => process.exit(130), 3000).unref();
  });

function runNode(node, args) {
  const path = `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`;
  return new Promise((resolve, reject) => {
    running = spawn(node, args, { cwd: ROOT, stdio: "inherit", env: { ...process.env, PATH: path } });
    running.once("error", reject);
    running.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Passed, failed and skipped tests of one vitest project; a crash counts as a failure. */
async function runProject(node, name) {
  const folder = join(ROOT, ".cache/test");
  const report = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const code = await runNode(node, [
    tool("vitest/vitest.mjs"),
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  return { ...tally(report), code };
}

function tally(report) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, failures: [] };
  }
  // A file that did not even load has no tests to fail.
  const unloaded = result.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + unloaded.length,
    skipped: result.numPendingTests + result.numTodoTests,
    failures: [
      ...unloaded.map(({ name, message }) => `${name}: ${firstLine(message)}`),
      ...failuresOf(result),
    ],
  };
}

/** What failed, with the first line of why: the log of a long run says it far above its end. */
function failuresOf(result) {
  return result.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "failed")
      .map(({ fullName, failureMessages }) => `${fullName}: ${firstLine(failureMessages[0])}`),
  );
}

function firstLine(text) {
  return (text ?? "").trim().split("\n")[0];
}

async function runStep(node, step) {
  const began = Date.now();
  console.log(`\n=== ${step.name}`);
  const counts = step.project
    ? await runProject(node, step.name)
    : { passed: 0, failed: 0, skipped: 0, code: await runNode(node, step.args) };
  if (!step.project && counts.code === 0) counts.passed = 1;
  if (counts.code !== 0 && counts.failed === 0) counts.failed = 1;
  return { name: step.name, seconds: Math.round((Date.now() - began) / 1000), ...counts };
}

await runTool(async () => {
  await setup();
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0)
    throw new Error(`no such step: ${unknown.join(", ")}; there are ${STEPS.map((s) => s.name).join(", ")}`);
  const node = node24();
  const results = [];
  for (const step of STEPS)
    if (wanted.length === 0 || wanted.includes(step.name)) results.push(await runStep(node, step));
  console.log("");
  for (const { name, seconds, passed, failed, skipped } of results)
    console.log(
      `${failed === 0 ? "ok  " : "FAIL"} ${name.padEnd(12)} ${passed} passed, ${failed} failed` +
        `${skipped === 0 ? "" : `, ${skipped} skipped`} (${seconds} s)`,
    );
  for (const { name, failures = [] } of results)
    for (const failure of failures) console.log(`     ${name}: ${failure}`);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  return sum("failed") === 0 ? 0 : 1;
});
