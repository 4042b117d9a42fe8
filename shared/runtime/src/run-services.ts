import { SomaError } from "@soma/base";
import type { ConfigDefinition } from "@soma/config";
import { MetricsEndpoint } from "@soma/telemetry";
import { HealthEndpoint } from "./health-endpoint.ts";
import { PlatformConfig, platformFrom } from "./platform.ts";
import { ResourceStack } from "./resources.ts";
import type { AnyService } from "./service.ts";
import { ServiceHost } from "./service-host.ts";

/** A signal to the whole group may also be passed on by the parent; the second one must not mean "at once". */
const SAME_SIGNAL_MS = 1_000;

/**
 * The main of a service process: reads the environment, runs until SIGTERM or SIGINT, drains, and exits. Status 0
 * after a clean stop, 1 after a failure or when `SOMA_FORCE_AFTER` runs out. A second signal, but for
 * the same one that arrives twice, exits at once.
 */
export async function runServices(services: readonly AnyService[]): Promise<never> {
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
    checkConfigs([PlatformConfig, ...services.map((service) => service.config)]);
    const config = PlatformConfig.read(process.env);
    forceAfterMs = config.forceAfter;
    let host: ServiceHost | undefined;
    if (config.metricsPort !== undefined) stack.use(await MetricsEndpoint.open({ port: config.metricsPort }));
    if (config.healthPort !== undefined)
      stack.use(await HealthEndpoint.open({ port: config.healthPort, host: () => host }));
    const starting = ServiceHost.open({ platform: platformFrom(config), services, env: process.env });
    const started = await Promise.race([starting, signal]);
    // Nothing is owed yet by a service that has not started.
    if (started === "signal") process.exit(0);
    host = stack.use(started);
    const ended = await Promise.race([signal, host.failure]);
    await stack.close();
    if (ended instanceof Error) exitWith(1, ended.message);
  } catch (error) {
    await stack.close().catch(() => {});
    exitWith(1, error instanceof Error ? error.message : String(error));
  }
  process.exit(0);
}

/** @throws SomaError CONFIG_INVALID with the faults of all at once */
function checkConfigs(definitions: readonly Pick<ConfigDefinition, "read">[]): void {
  const faults = new Set<string>();
  for (const definition of definitions)
    try {
      definition.read(process.env);
    } catch (error) {
      if (!(error instanceof SomaError)) throw error;
      for (const line of error.message.split("\n")) faults.add(line);
    }
  if (faults.size === 0) return;
  const lines = [...faults, "all variables: shared/docs/generated/configuration.md"];
  throw new SomaError("CONFIG_INVALID", lines.join("\n"));
}

/** The reason also goes out in plain text: the log may be silent. */
function exitWith(status: number, reason: string): never {
  process.stderr.write(`soma: ${reason}\n`);
  process.exit(status);
}

/** One service in this process: the whole of a service's `main.ts`. */
export function runService(service: AnyService): Promise<never> {
  return runServices([service]);
}
