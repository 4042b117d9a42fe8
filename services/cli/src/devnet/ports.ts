import { setTimeout as pause } from "node:timers/promises";
import { SomaError } from "@soma/base";
import { isPortFree } from "@soma/launcher";
import type { DevnetPlan } from "./plan.ts";

/** Servers of a network that was killed end a moment after it. */
const PORT_FREE_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 100;

/** Waits a moment for them. @throws SomaError DEVNET_PORT if something listens at one of the plan's ports, and goes on listening */
export async function portsAreFree(plan: DevnetPlan): Promise<void> {
  const ports = plan.operators.flatMap(({ natsPort, gatewayPort }) => [natsPort, gatewayPort ?? natsPort]);
  const deadline = Date.now() + PORT_FREE_WITHIN_MS;
  for (const port of [plan.postgresPort, ...new Set(ports)]) {
    while (!(await isPortFree(port))) {
      if (Date.now() > deadline) {
        throw new SomaError(
          "DEVNET_PORT",
          `port ${port} is taken; end what listens there (another soma devnet?), or begin at another with --base-port`,
        );
      }
      await pause(LOOK_EVERY_MS);
    }
  }
}
