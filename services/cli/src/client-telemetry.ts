import { Telemetry, TelemetryConfig } from "@soma/telemetry";

/** Telemetry of a command that speaks to a network: a party of its own, silent unless configured as a service is. */
export function clientTelemetry(env: NodeJS.ProcessEnv = process.env): Telemetry {
  const { otlpEndpoint, traceRatio, traceBackgroundRatio } = TelemetryConfig.read(env);
  return Telemetry.open({
    service: "client",
    operator: "client",
    otlpEndpoint,
    traceRatio,
    traceBackgroundRatio,
  });
}
