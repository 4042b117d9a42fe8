import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";

const MAIN = createRequire(import.meta.url)
  .resolve("@soma/cli")
  .replace("index.ts", "main.ts");

/** Runs `soma ...` beside an operator's services; what it prints, or the code that it fails with. */
export async function runSoma(natsUrl: string, network: string, args: readonly string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], SOMA_NATS_URL: natsUrl, SOMA_NETWORK: network, NO_COLOR: "1" };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env });
    return stdout.trim();
  } catch (error) {
    const { stderr, stdout } = error as { stderr: string; stdout: string };
    return /^error ([A-Z_]+):/m.exec(stderr)?.[1] ?? (stdout || stderr);
  }
}
