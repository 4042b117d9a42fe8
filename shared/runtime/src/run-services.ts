import { MetricsEndpoint } from "@soma/telemetry";
import { HealthEndpoint } from "./health-endpoint.ts";
import { PlatformConfig, platformFrom } from "./platform.ts";
import { ResourceStack } from "./resources.ts";
import type { AnyService } from "./service.ts";
import { ServiceHost } from "./service-host.ts";

/**
 * The main of a service process: reads the environment, runs until SIGTERM or SIGINT, drains, and exits. Status 0
 * after a clean stop, 1 after a failure or when `SOMA_FORCE_AFTER` runs out. A second signal exits at once.
 */
export async function runServices(services: readonly AnyService[]): Promise<never> {
  const stack = new ResourceStack();
  let forceAfterMs = 25_000;
  const signal = new Promise<"signal">((resolve) => {
    let asked = false;
    for (const name of ["SIGTERM", "SIGINT"] as const)
      process.on(name, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve("signal");
        setTimeout(() => exitWith(1, `not stopped within ${forceAfterMs} ms`), forceAfterMs).unref();
      });
  });
  try {
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

/** The reason also goes out in plain text: the log may be silent. */
function exitWith(status: number, reason: string): never {
  process.stderr.write(`soma: ${reason}\n`);
  process.exit(status);
}

/** One service in this process: the whole of a service's `main.ts`. */
export function runService(service: AnyService): Promise<never> {
  return runServices([service]);
}
