import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SomaError } from "@soma/base";
import { OPERATOR, type RequestMessage } from "@soma/contracts";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { type Command, Option } from "commander";
import { devnetFile } from "../connection.ts";

export interface OperatorFlags {
  readonly operator?: string;
  readonly nats?: string[];
  readonly credentials?: string;
  readonly network?: string;
}

/** Adds the options of commands that speak to an operator's own services. */
export function withOperatorBus(command: Command): Command {
  return command
    .option("--operator <name>", "validator of the devnet of this folder, such as v0")
    .addOption(new Option("--nats <url...>", "the operator's NATS servers").env("SOMA_NATS_URL"))
    .addOption(
      new Option("--credentials <file>", "NATS .creds file of the user operator").env(
        "SOMA_NATS_CREDENTIALS",
      ),
    )
    .addOption(new Option("--network <name>", "the network's chain id").env("SOMA_NETWORK"));
}

/** Asks one question of the operator's services. @throws SomaError what the service refuses with */
export async function askOperator<P, R>(
  flags: OperatorFlags,
  message: RequestMessage<P, R, never>,
  payload: P,
): Promise<R> {
  const { servers, network, credentials } = whereTo(flags);
  const bus = await Bus.open({
    servers,
    network,
    name: OPERATOR,
    failFast: true,
    telemetry: Telemetry.silent(OPERATOR),
    ...(credentials === undefined
      ? {}
      : { credentials: { kind: "creds" as const, read: () => readFileSync(credentials) } }),
  }).catch((cause: unknown) => {
    if (cause instanceof SomaError) throw cause;
    throw new SomaError(
      "CLI_OPERATOR_UNREACHABLE",
      `no NATS server takes this at ${servers.join(", ")} (${cause}); start the operator's servers, here: soma devnet`,
      {},
      { cause },
    );
  });
  try {
    const answer = await bus.request(message, {}, payload, { timeoutMs: 30_000 });
    if (!answer.ok) throw new SomaError(answer.code, answer.message);
    return answer.value;
  } finally {
    await bus.close();
  }
}

function whereTo(flags: OperatorFlags) {
  if (flags.nats !== undefined && flags.operator === undefined) {
    const { network, credentials } = flags;
    if (network === undefined) {
      throw new SomaError("CLI_OPTION", "give --network <name>: it stands in every subject");
    }
    return {
      servers: flags.nats.flatMap((url) => url.split(",")).filter((url) => url !== ""),
      network,
      credentials,
    };
  }
  const devnet = devnetFile();
  const operators = devnet?.operators ?? [];
  const name = flags.operator ?? "v0";
  const found = operators.find((operator) => operator.name === name);
  if (devnet?.network === undefined || found === undefined) {
    throw new SomaError(
      "CLI_OPTION",
      "give --nats <url> with --credentials and --network, or --operator <name> of a devnet here",
    );
  }
  const credentials = join(dirname(found.tapCredentials), `${OPERATOR}.creds`);
  if (!existsSync(credentials)) {
    throw new SomaError("CLI_OPERATOR", `${credentials} is missing; start the devnet again`);
  }
  return { servers: [found.natsUrl], network: devnet.network, credentials };
}
