import { runServices } from "@soma/runtime";
import type { Command } from "commander";
import { loadServices, SERVICE_NAMES } from "../services.ts";

export function addRunCommand(program: Command): void {
  program
    .command("run")
    .description("Run one service, or several of one operator, in this process, until SIGTERM.")
    .argument("<services...>", `of: ${SERVICE_NAMES.join(", ")}`)
    .addHelpText(
      "after",
      `
Configured by environment variables (SOMA_NETWORK, SOMA_OPERATOR, SOMA_NATS_URL,
SOMA_DATABASE_URL, ...).

Examples:
  soma run consensus
  soma run encoder scorer peering`,
    )
    .action(async (names: string[]) => {
      await runServices(await loadServices(names));
    });
}
