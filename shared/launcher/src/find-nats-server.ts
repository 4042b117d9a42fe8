import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { SomaError } from "@soma/base";

// Where `npm run setup` leaves a link to the server that it found or fetched.
const LINKED = join(import.meta.dirname, "../../../.cache/bin/nats-server");

/** Path of the nats-server program. @throws SomaError NATS_SERVER_MISSING */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): string {
  const folders = [...(env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"];
  const candidates = [
    ...(env.SOMA_NATS_SERVER === undefined ? [] : [env.SOMA_NATS_SERVER]),
    LINKED,
    ...folders.filter((folder) => folder !== "").map((folder) => join(folder, "nats-server")),
  ];
  const found = candidates.find(isExecutable);
  if (found === undefined)
    throw new SomaError("NATS_SERVER_MISSING", "no nats-server here; `npm run setup` brings one");
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
