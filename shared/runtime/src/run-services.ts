import { SomaError } from "@soma/base";
import type { ConfigDefinition } from "@soma/config";
import { MetricsEndpoint } from "@soma/telemetry";
import { HealthEndpoint } from "./health-endpoint.ts";
import { PlatformConfig, platformFrom } from "./platform.ts";
import { ProcessConfig } from "./process-config.ts";
import { ResourceStack } from "./resources.ts";
import type { AnyService } from "./service.ts";
import { ServiceHost } from "./service-host.ts";

/** A signal to the whole group may also be passed on by the parent; the second one must not mean "at once". */
const SAME_SIGNAL_MS = 1_000;

type Env = Readonly<Record<string, string | undefined>>;

/** Services of one operator, and the environment that they read. */
export interface HostPlan {
  readonly services: readonly AnyService[];
  readonly env: Env;
}

/**
 * The main of a service process: reads the environment, runs until SIGTERM or SIGINT, drains, and exits. Sends "ready"
 * over the channel to its parent, if there is one, when all services are. Status 0
 * after a clean stop, 1 after a failure or when `SOMA_FORCE_AFTER` runs out. A second signal, but for
 * the same one that arrives twice, exits at once. Several operators share nothing but the process.
 */
export async function runHosts(plans: readonly HostPlan[]): Promise<never> {
  const stack = new ResourceStack();
  let forceAfterMs = 25_000;
  const signal = new Promise<"signal">((resolve) => {
    let asked: number | undefined;
    for (const name of ["SIGTERM", "SIGINT"] as const)
      process.on(name, () => {
        if (asked !== undefined) {
          if (performance.now() - asked > SAME_SIGNAL_MS) process.exit(130);
          return;
        }
        asked = performance.now();
        resolve("signal");
        setTimeout(() => exitWith(1, `not stopped within ${forceAfterMs} ms`), forceAfterMs).unref();
      });
  });
  try {
    checkConfigs(plans);
    const config = ProcessConfig.read(process.env);
    forceAfterMs = config.forceAfter;
    let hosts: readonly ServiceHost[] | undefined;
    const servesMetrics = config.metricsPort !== undefined;
    if (servesMetrics) stack.use(await MetricsEndpoint.open({ port: config.metricsPort }));
    if (config.healthPort !== undefined)
      stack.use(await HealthEndpoint.open({ port: config.healthPort, hosts: () => hosts }));
    const starting = openHosts(plans, servesMetrics, stack);
    const started = await Promise.race([starting, signal]);
    // Nothing is owed yet by a service that has not started.
    if (started === "signal") process.exit(0);
    hosts = started;
    process.send?.("ready");
    const ended = await Promise.race([signal, ...hosts.map((host) => host.failure)]);
    await stack.close();
    if (ended instanceof Error) exitWith(1, ended.message);
  } catch (error) {
    await stack.close().catch(() => {});
    exitWith(1, error instanceof Error ? error.message : String(error));
  }
  process.exit(0);
}

/** Starts all side by side; what started is closed with `stack`, side by side too. */
function openHosts(
  plans: readonly HostPlan[],
  metrics: boolean,
  stack: ResourceStack,
): Promise<ServiceHost[]> {
  const opened: ServiceHost[] = [];
  stack.defer(async () => {
    await Promise.all(opened.map((host) => host.close()));
  });
  return Promise.all(
    plans.map(async ({ services, env }) => {
      const platform = platformFrom(PlatformConfig.read(env), metrics);
      const host = await ServiceHost.open({ platform, services, env });
      opened.push(host);
      return host;
    }),
  );
}

/** @throws SomaError CONFIG_INVALID with the faults of all at once */
function checkConfigs(plans: readonly HostPlan[]): void {
  const faults = new Set<string>();
  const check = ({ read }: Pick<ConfigDefinition, "read">, env: Env) => {
    try {
      read(env);
    } catch (error) {
      if (!(error instanceof SomaError)) throw error;
      for (const line of error.message.split("\n")) faults.add(line);
    }
  };
  check(ProcessConfig, process.env);
  for (const { services, env } of plans)
    for (const config of [PlatformConfig, ...services.map((service) => service.config)]) check(config, env);
  if (faults.size === 0) return;
  const lines = [...faults, "all variables: shared/docs/generated/configuration.md"];
  throw new SomaError("CONFIG_INVALID", lines.join("\n"));
}

/** The reason also goes out in plain text: the log may be silent. */
function exitWith(status: number, reason: string): never {
  process.stderr.write(`soma: ${reason}\n`);
  process.exit(status);
}

/** Services of the operator that the process's environment tells of. */
export function runServices(services: readonly AnyService[]): Promise<never> {
  return runHosts([{ services, env: process.env }]);
}

/** One service in this process: the whole of a service's `main.ts`. */
export function runService(service: AnyService): Promise<never> {
  return runServices([service]);
}
