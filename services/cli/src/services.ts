import { SomaError } from "@soma/base";
import type { AnyService } from "@soma/runtime";

// Loaded when asked for: a process that runs one service does not pay for the others' dependencies.
const LOADERS: Readonly<Record<string, () => Promise<{ service: AnyService }>>> = {
  consensus: () => import("@soma/consensus"),
  encoder: () => import("@soma/encoder"),
  gateway: () => import("@soma/gateway"),
  mempool: () => import("@soma/mempool"),
  peering: () => import("@soma/peering"),
  pool: () => import("@soma/pool"),
  rewards: () => import("@soma/rewards"),
  scorer: () => import("@soma/scorer"),
  "shard-selection": () => import("@soma/shard-selection"),
  state: () => import("@soma/state"),
};

export const SERVICE_NAMES = Object.keys(LOADERS);

/** @throws SomaError CLI_SERVICE for a name that no service has */
export function loadServices(names: readonly string[]): Promise<AnyService[]> {
  return Promise.all(
    names.map(async (name) => {
      const load = LOADERS[name];
      if (load === undefined) {
        throw new SomaError(
          "CLI_SERVICE",
          `no service is called ${name}; there are: ${SERVICE_NAMES.join(", ")}`,
        );
      }
      return (await load()).service;
    }),
  );
}
