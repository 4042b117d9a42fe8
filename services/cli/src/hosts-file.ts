import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SomaError } from "@soma/base";
import type { HostPlan } from "@soma/runtime";
import { z } from "zod";
import { loadServices } from "./services.ts";

const Hosts = z
  .array(
    z.strictObject({
      services: z.array(z.string()).min(1),
      env: z.record(z.string(), z.string()),
    }),
  )
  .min(1);

/** Services of several operators that share a process, each with its own environment. */
export type HostsFile = Readonly<z.infer<typeof Hosts>>;

/** For its owner alone: an environment names passwords. */
export function writeHosts(path: string, hosts: HostsFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(hosts, null, 2)}\n`, { mode: 0o600 });
}

/** @throws SomaError CLI_HOSTS (no file of hosts), CLI_SERVICE */
export async function readHosts(path: string): Promise<HostPlan[]> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new SomaError("CLI_HOSTS", `${path} cannot be read as JSON`, {}, { cause });
  }
  const hosts = Hosts.safeParse(content);
  if (!hosts.success) {
    const [issue] = hosts.error.issues;
    throw new SomaError(
      "CLI_HOSTS",
      `${path} is no list of hosts: ${issue!.path.join(".")} ${issue!.message}`,
    );
  }
  return Promise.all(
    hosts.data.map(async ({ services, env }) => ({ services: await loadServices(services), env })),
  );
}
