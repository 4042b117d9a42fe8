import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { z } from "zod";
import type { EdgeAccount } from "./edge-account.ts";
import {
  createNatsKeys,
  type OperatorNats,
  type OperatorNatsKeys,
  type OperatorNatsOptions,
  operatorNats,
} from "./operator-nats.ts";

const seed = z.string().regex(/^S[A-Z2-7]{57}$/);
const KeysSchema = z.strictObject({
  operator: seed,
  system: seed,
  inside: seed,
  edge: seed,
  edgeSigning: seed,
  users: z.record(z.string(), seed),
});
const EdgeAccountSchema = z.strictObject({
  account: z.string().regex(/^A[A-Z2-7]{55}$/),
  signingSeed: seed,
});

export interface OperatorNatsFiles extends OperatorNats {
  /** Path of a service's `.creds` file: `SOMA_NATS_CREDENTIALS`. */
  credentialsPath(service: string): string;
  /** Path of what peering admits peers with: `SOMA_PEERING_EDGE_ACCOUNT`. */
  readonly edgeAccountPath: string;
}

/**
 * Keeps an operator's NATS keys in `folder` and writes what is made from them: `keys.json`, `edge-account.json` and
 * `creds/<service>.creds`, readable by their owner alone. The same folder gives the same keys; what is missing is made.
 * @throws SomaError NATS_KEYS_MALFORMED
 */
export async function ensureOperatorNats(
  folder: string,
  options: Omit<OperatorNatsOptions, "keys">,
): Promise<OperatorNatsFiles> {
  await mkdir(join(folder, "creds"), { recursive: true, mode: 0o700 });
  const path = join(folder, "keys.json");
  const known = await readJson(path, KeysSchema);
  const keys: OperatorNatsKeys = createNatsKeys(options.services, known);
  if (Object.keys(keys.users).length !== Object.keys(known?.users ?? {}).length)
    await writeSecret(path, `${JSON.stringify(keys, undefined, 2)}\n`);
  const nats = await operatorNats({ ...options, keys });
  const edgeAccountPath = join(folder, "edge-account.json");
  const credentialsPath = (service: string) => join(folder, "creds", `${service}.creds`);
  await writeSecret(edgeAccountPath, `${JSON.stringify(nats.edgeAccount, undefined, 2)}\n`);
  for (const [service, creds] of Object.entries(nats.credentials))
    await writeSecret(credentialsPath(service), creds);
  return { ...nats, credentialsPath, edgeAccountPath };
}

/** @throws SomaError NATS_KEYS_MISSING, NATS_KEYS_MALFORMED */
export async function loadEdgeAccount(path: string): Promise<EdgeAccount> {
  const account = await readJson(path, EdgeAccountSchema);
  if (account === undefined)
    throw new SomaError("NATS_KEYS_MISSING", `no edge account at ${path}; peers cannot be admitted without`);
  return account;
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // The cause would print the file's secrets.
    throw new SomaError("NATS_KEYS_MALFORMED", `${path} does not hold NATS keys`);
  }
}

async function writeSecret(path: string, content: string | Uint8Array): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, content, { mode: 0o600 });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}
