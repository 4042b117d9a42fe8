// Sets up everything that `npm start` and `npm test` need. Plain JavaScript that runs on Node 20 with no dependency,
// since it is what brings them. Does nothing, quickly, when all is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { arch, homedir, platform } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const MODULES = join(ROOT, "node_modules");
const LOCKFILE = join(ROOT, "package-lock.json");
const STAMP = join(MODULES, ".soma-setup");
const LINK = join(ROOT, ".cache/bin/nats-server");

/** The oldest server that the code is tested with, and the release that is fetched when there is none. */
const OLDEST_NATS = [2, 9, 10];
const NATS_RELEASE = {
  version: "2.10.29",
  // sha256 of nats-server-v<version>-linux-<arch>.tar.gz, as the project's own container images pin them.
  linux: {
    x64: { arch: "amd64", sha256: "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da" },
    arm64: { arch: "arm64", sha256: "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401" },
  },
};

/** Does all set-up. @throws Error that says what is missing and how to bring it */
export async function setup() {
  installDependencies();
  node24();
  await provideNats();
}

function say(text) {
  console.log(`setup: ${text}`);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", ...options });
}

// ---- npm packages

function lockHash() {
  return createHash("sha256").update(readFileSync(LOCKFILE)).digest("hex");
}

/** Whether node_modules is what the lockfile says. */
function isInstalled() {
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lockHash()) return true;
  // What npm says it installed, as after an `npm install` by hand.
  const hidden = join(MODULES, ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, "utf8")).packages;
  return Object.entries(JSON.parse(readFileSync(LOCKFILE, "utf8")).packages).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/")) return true;
    if (installed[path] === undefined) return wanted.optional === true || wanted.peer === true;
    return installed[path].version === wanted.version;
  });
}

/** What builds the one native library without prebuilt files, the pool's index. Without it every search is a scan. */
function provideCompiler() {
  const missing = ["g++", "make", "python3"].filter((name) => run(name, ["--version"]).status !== 0);
  if (missing.length === 0) return;
  const names = missing.join(", ");
  if (process.getuid?.() === 0 && run("apt-get", ["--version"]).status === 0) {
    say(`installing ${names} by apt, to build the pool's index with ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const install = ["install", "-y", "--no-install-recommends", ...missing];
    for (const args of [["update"], install]) run("apt-get", args, { env });
    if (missing.every((name) => run(name, ["--version"]).status === 0)) return;
  }
  say(`${names} not found: hnswlib-node is not built, and the pool's searches are scans without an index`);
}

/** Has native code built against the headers that came with Node, if they did, rather than fetched ones. */
function ownHeaders() {
  const prefix = join(dirname(process.execPath), "..");
  const isSet = Object.keys(process.env).some((name) => name.toLowerCase() === "npm_config_nodedir");
  return isSet || !existsSync(join(prefix, "include/node/node.h")) ? {} : { npm_config_nodedir: prefix };
}

/** Notes what is installed, so that the next look is quick; a checkout that is not ours to write goes without. */
function stamp() {
  const hash = lockHash();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === hash) return;
  if (isWritable(MODULES)) writeFileSync(STAMP, hash);
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function installDependencies() {
  if (isInstalled()) {
    stamp();
    return;
  }
  for (const folder of [ROOT, MODULES])
    if (existsSync(folder) && !isWritable(folder))
      throw new Error(`${folder} is not yours to write; run npm run setup once as the user that owns it`);
  provideCompiler();
  say("installing the npm packages of the lockfile (one to three minutes; 800 MB) ...");
  const began = Date.now();
  // Whatever the environment says, the tools of the build are needed here.
  const done = run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: ROOT,
    stdio: "inherit",
    // onnxruntime's installer otherwise reaches for a GPU package outside npm.
    env: { ONNXRUNTIME_NODE_INSTALL: "skip", ...process.env, ...ownHeaders() },
  });
  if (done.status !== 0) throw new Error("`npm ci` failed; its output is above");
  stamp();
  say(`npm packages installed in ${Math.round((Date.now() - began) / 1000)} s`);
}

/** Path of the Node that runs the code: the one that npm brought, so that an older one is enough to begin. */
export function node24() {
  const candidates = [join(MODULES, "node/bin/node"), join(MODULES, ".bin/node"), process.execPath];
  for (const path of candidates) {
    if (!isExecutable(path)) continue;
    const { stdout } = run(path, ["-p", "process.versions.node"]);
    if (Number.parseInt(stdout ?? "", 10) >= 24) return path;
  }
  throw new Error(
    "no Node 24: the npm package `node` did not install (are install scripts switched off in npm?)",
  );
}

// ---- nats-server

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The version that a program reports if it is a nats-server new enough, else undefined. */
function natsVersion(path) {
  if (!isExecutable(path)) return undefined;
  const version = /v([0-9]+)\.([0-9]+)\.([0-9]+)/.exec(run(path, ["--version"]).stdout ?? "");
  if (version === null) return undefined;
  const parts = version.slice(1).map(Number);
  for (let i = 0; i < 3; i++) {
    if (parts[i] > OLDEST_NATS[i]) break;
    if (parts[i] < OLDEST_NATS[i]) return undefined;
  }
  return parts.join(".");
}

/** A folder outside the checkout that survives it: $SOMA_CACHE, ~/.cache/soma, else .cache in the checkout. */
function cacheFolder() {
  const wanted = [process.env.SOMA_CACHE, join(homedir(), ".cache/soma"), join(ROOT, ".cache")];
  for (const folder of wanted) {
    if (folder === undefined || folder === "") continue;
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // Not ours to write: the next one.
    }
  }
  throw new Error("no folder to keep downloads in; set SOMA_CACHE to one");
}

function link(path) {
  try {
    mkdirSync(dirname(LINK), { recursive: true });
    rmSync(LINK, { force: true });
    symlinkSync(path, LINK);
  } catch (error) {
    throw new Error(`${LINK} is not yours to write (${error.code}); set SOMA_NATS_SERVER=${path} instead`);
  }
}

async function provideNats() {
  const cached = () => join(cacheFolder(), "nats-server");
  const onPath = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
  ]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "nats-server"));
  const named = process.env.SOMA_NATS_SERVER;
  if (named !== undefined && natsVersion(named) === undefined)
    throw new Error(`SOMA_NATS_SERVER=${named} is no nats-server of at least ${OLDEST_NATS.join(".")}`);
  // What is named is used as it is, and needs no link.
  if (named !== undefined || natsVersion(LINK) !== undefined) return;

  const installed = onPath.find((path) => natsVersion(path) !== undefined);
  if (installed !== undefined) {
    link(installed);
    say(`nats-server ${natsVersion(installed)}: the one installed at ${installed}`);
    return;
  }
  if (natsVersion(cached()) !== undefined) {
    link(cached());
    say(`nats-server ${natsVersion(cached())}: from the cache, ${cached()}`);
    return;
  }
  const reasons = [];
  const ways = [
    ["release", fetchRelease],
    ["apt package, unpacked without installing", unpackAptPackage],
    ["apt package, installed as root", installAptPackage],
  ];
  for (const [i, [name, fetchInto]] of ways.entries()) {
    try {
      const path = await fetchInto(cached());
      if (natsVersion(path) === undefined) throw new Error(`${path} does not run`);
      link(path);
      say(`nats-server ${natsVersion(path)}: ${name}, at ${path}`);
      return;
    } catch (error) {
      const reason = error.cause?.message ?? error.message;
      reasons.push(`${name}: ${reason}`);
      if (i + 1 < ways.length)
        say(`no nats-server by its ${name} (${reason}); trying the ${ways[i + 1][0]} ...`);
    }
  }
  throw new Error(
    `no nats-server; install one of at least ${OLDEST_NATS.join(".")} or set SOMA_NATS_SERVER\n  ${reasons.join("\n  ")}`,
  );
}

/** Puts a file in place whole or not at all. */
function place(source, target) {
  const partial = `${target}.${process.pid}`;
  copyFileSync(source, partial);
  renameSync(partial, target);
  return target;
}

function withScratch(work) {
  const scratch = mkdtempSync(join(cacheFolder(), "fetch-"));
  const clean = () => rmSync(scratch, { recursive: true, force: true });
  return work(scratch).finally(clean);
}

function fetchRelease(target) {
  return withScratch(async (scratch) => {
    const asset = NATS_RELEASE[platform()]?.[arch()];
    if (asset === undefined) throw new Error(`none known for ${platform()} ${arch()}`);
    const name = `nats-server-v${NATS_RELEASE.version}-linux-${asset.arch}`;
    const url = `https://github.com/nats-io/nats-server/releases/download/v${NATS_RELEASE.version}/${name}.tar.gz`;
    say(`fetching ${url} ...`);
    // The name must be found and the first bytes come soon; the rest may take a minute.
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Error("no answer in 5 s")), 5000);
    const response = await fetch(url, { signal: patience.signal }).finally(() => clearTimeout(timer));
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const late = setTimeout(() => patience.abort(new Error("not whole in a minute")), 60_000);
    const bytes = Buffer.from(await response.arrayBuffer().finally(() => clearTimeout(late)));
    const sum = createHash("sha256").update(bytes).digest("hex");
    if (sum !== asset.sha256) throw new Error(`its checksum is ${sum}, not ${asset.sha256}`);
    writeFileSync(join(scratch, "a.tar.gz"), bytes);
    if (run("tar", ["-xzf", "a.tar.gz"], { cwd: scratch }).status !== 0)
      throw new Error("could not be unpacked");
    return place(join(scratch, name, "nats-server"), target);
  });
}

/** apt with lists and cache of its own: needs no root and changes nothing on the system. */
function unpackAptPackage(target) {
  return withScratch(async (scratch) => {
    if (run("apt-get", ["--version"]).status !== 0) throw new Error("no apt here");
    const lists = join(scratch, "lists");
    const cache = join(scratch, "cache");
    for (const folder of [lists, cache]) mkdirSync(join(folder, "partial"), { recursive: true });
    const own = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${cache}`, "-o", "Debug::NoLocking=1"];
    // Root would otherwise drop to a user that cannot enter this folder.
    const options = process.getuid?.() === 0 ? [...own, "-o", "APT::Sandbox::User=root"] : own;
    let done = run("apt-get", ["download", "-o", "Debug::NoLocking=1", "nats-server"], { cwd: scratch });
    if (done.status !== 0) {
      say("reading the package lists of apt ...");
      const read = run("apt-get", [...options, "update"], { cwd: scratch });
      if (read.status !== 0) throw new Error(lastLine(read.stderr));
      done = run("apt-get", [...options, "download", "nats-server"], { cwd: scratch });
    }
    if (done.status !== 0) throw new Error(lastLine(done.stderr));
    const deb = readdirSync(scratch).find((file) => file.endsWith(".deb"));
    if (deb === undefined) throw new Error("apt brought no package");
    const unpacked = run("dpkg", ["-x", deb, "root"], { cwd: scratch });
    if (unpacked.status !== 0) throw new Error(lastLine(unpacked.stderr));
    return place(join(scratch, "root/usr/sbin/nats-server"), target);
  });
}

async function installAptPackage() {
  if (process.getuid?.() !== 0) throw new Error("not root");
  if (run("apt-get", ["--version"]).status !== 0) throw new Error("no apt here");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "nats-server"]]) {
    say(`apt-get ${args.join(" ")} ...`);
    const done = run("apt-get", args, { env });
    if (done.status !== 0) throw new Error(lastLine(done.stderr));
  }
  return "/usr/sbin/nats-server";
}

function lastLine(text) {
  return (text ?? "").trim().split("\n").at(-1) ?? "failed";
}

/** Runs `main` and ends the process with what it returns; a failure is told in one line. */
export async function runTool(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runTool(async () => {
    await setup();
    say("all there");
    return 0;
  });
}
