import { join } from "node:path";
import { ROOT } from "./governed-files.ts";
import type { DevnetPlan, OperatorPlan } from "./plan.ts";

export interface OperatorServers {
  readonly natsUrl: string;
  readonly credentialsFolder: string;
  readonly edgeAccount: string;
  readonly databaseUrl: string;
}

/** The environment of an operator's processes: all that they know comes from it. */
export function operatorEnvironment(
  plan: DevnetPlan,
  operator: OperatorPlan,
  servers: OperatorServers,
  inherited: NodeJS.ProcessEnv,
): Record<string, string> {
  const gateways = gatewaysFor(plan, operator);
  const environment: Record<string, string | undefined> = {
    PATH: inherited["PATH"],
    HOME: inherited["HOME"],
    TZ: inherited["TZ"],
    // Such as --cpu-prof, to see where a process spends its time.
    NODE_OPTIONS: inherited["NODE_OPTIONS"],
    // Compiled code outlives networks: it halves the time to start.
    NODE_COMPILE_CACHE: join(ROOT, ".cache/compile"),
    SOMA_NETWORK: plan.chainId,
    SOMA_OPERATOR: operator.name,
    SOMA_NATS_URL: servers.natsUrl,
    SOMA_NATS_CREDENTIALS_FOLDER: servers.credentialsFolder,
    SOMA_DATABASE_URL: servers.databaseUrl,
    SOMA_KEY_FILE: operator.keyFile,
    SOMA_GENESIS: plan.genesisFile,
    SOMA_DATA: join(operator.folder, "data"),
    SOMA_LOG: inherited["SOMA_LOG"] ?? "info",
    SOMA_OTLP_ENDPOINT: inherited["SOMA_OTLP_ENDPOINT"],
    SOMA_TRACE_RATIO: inherited["SOMA_TRACE_RATIO"],
    SOMA_TRACE_BACKGROUND_RATIO: inherited["SOMA_TRACE_BACKGROUND_RATIO"],
    SOMA_GATEWAY_PORT: operator.gatewayPort?.toString(),
    // All operators and clients of this network are one address.
    SOMA_GATEWAY_QUOTA_EXEMPT: operator.gatewayPort === undefined ? undefined : "127.0.0.0/8,::1",
    // And all of them are on this machine.
    SOMA_PEER_NETWORKS: "127.0.0.0/8,::1",
    SOMA_PEERING_EDGE_ACCOUNT: operator.kind === "validator" ? servers.edgeAccount : undefined,
    SOMA_PEERING_EDGE_ADDRESS:
      operator.kind === "validator" ? `nats://127.0.0.1:${operator.natsPort}` : undefined,
    SOMA_GATEWAYS: gateways.join(","),
    SOMA_PEERS: gateways.join(","),
    SOMA_ENCODER_MODEL: operator.model,
    SOMA_POOL_ROTATION: operator.kind === "validator" ? join(ROOT, "models/space") : undefined,
    SOMA_ENCODER_TOKENIZER: join(ROOT, "models/tokenizer"),
  };
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Each operator prefers another gateway, so that no single one is everybody's. */
function gatewaysFor(plan: DevnetPlan, operator: OperatorPlan): string[] {
  const all = plan.operators.flatMap(({ gatewayPort }) =>
    gatewayPort === undefined ? [] : [`http://127.0.0.1:${gatewayPort}`],
  );
  const first = Number(operator.name.slice(1)) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
