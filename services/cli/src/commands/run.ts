import { runHosts, runServices } from "@soma/runtime";
import { Argument, type Command, Option } from "commander";
import { readHosts } from "../hosts-file.ts";
import { loadServices, SERVICE_NAMES } from "../services.ts";

export function addRunCommand(program: Command): void {
  program
    .command("run")
    .description("Run one service, or several of one operator, in this process, until SIGTERM.")
    .addArgument(new Argument("[services...]", "services of one operator").choices(SERVICE_NAMES))
    .addOption(
      new Option("--hosts <file>", "services of several operators of one machine instead, from a file"),
    )
    .addHelpText(
      "after",
      `
Configured by environment variables (SOMA_NETWORK, SOMA_OPERATOR, SOMA_NATS_URL,
SOMA_DATABASE_URL, ...), all of which stand in
shared/docs/generated/configuration.md; what is missing is told at the start.
How to run one service alone: services/cli/README.md

A file of hosts is a JSON list of
  { "services": ["scorer", ...], "env": { "SOMA_OPERATOR": "e0", ... } }.
Each operator reads its own entry alone; the process itself (metrics, health)
reads the environment.

Examples:
  soma run consensus
  soma run encoder scorer peering
  soma run --hosts .devnet/hosts/encoders.json`,
    )
    .action(async (names: string[], { hosts }: { hosts?: string }, command: Command) => {
      if ((names.length === 0) === (hosts === undefined))
        command.error("error: name services, or a file of hosts");
      if (hosts === undefined) await runServices(await loadServices(names));
      else await runHosts(await readHosts(hosts));
    });
}
