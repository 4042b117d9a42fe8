import { runServices } from "@soma/runtime";
import { Argument, type Command } from "commander";
import { loadServices, SERVICE_NAMES } from "../services.ts";

export function addRunCommand(program: Command): void {
  program
    .command("run")
    .description("Run one service, or several of one operator, in this process, until SIGTERM.")
    .addArgument(new Argument("<services...>", "services of one operator").choices(SERVICE_NAMES))
    .addHelpText(
      "after",
      `
Configured by environment variables (SOMA_NETWORK, SOMA_OPERATOR, SOMA_NATS_URL,
SOMA_DATABASE_URL, ...), all of which stand in
shared/docs/generated/configuration.md; what is missing is told at the start.
How to run one service alone: services/cli/README.md

Examples:
  soma run consensus
  soma run encoder scorer peering`,
    )
    .action(async (names: string[]) => {
      await runServices(await loadServices(names));
    });
}
