// Fails when a package depends on one that stands above it, or a service on another service (ARCHITECTURE, "Layers").
import { readdirSync, readFileSync } from "node:fs";

const LAYERS: Record<string, number> = {
  base: 0,
  codec: 0,
  crypto: 1,
  actor: 1,
  sampling: 1,
  embedding: 1,
  protocol: 2,
  contracts: 3,
  config: 3,
  launcher: 3,
  identity: 4,
  tokenizer: 4,
  telemetry: 4,
  storage: 5,
  runtime: 6,
  client: 6,
  testkit: 7,
};
const faults: string[] = [];
for (const root of ["shared", "services"]) {
  for (const folder of readdirSync(root)) {
    let manifest: { dependencies?: Record<string, string> };
    try {
      manifest = JSON.parse(readFileSync(`${root}/${folder}/package.json`, "utf8"));
    } catch {
      continue;
    }
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (!dependency.startsWith("@soma/")) continue;
      const name = dependency.slice("@soma/".length);
      const target = LAYERS[name];
      if (root === "services" && target === undefined && folder !== "cli")
        faults.push(`services/${folder} depends on service ${name}`);
      if (root === "services" && name === "testkit") faults.push(`services/${folder} depends on testkit`);
      if (root === "shared" && (target === undefined || target > LAYERS[folder]!))
        faults.push(`shared/${folder} depends on ${name}, which is not below it`);
    }
  }
}
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
