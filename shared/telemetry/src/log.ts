import { trace } from "@opentelemetry/api";
import { destination as openDestination, type Logger as PinoLogger, pino } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines with service, operator and, inside a span, its trace id. Facts first, then the sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "level" | "child">;

/** Where lines go; a test gives its own. Standard error by default, so that a command's output stays its own. */
export interface LogSink {
  write(line: string): void;
}

/** Opens the log of one service. `silent` writes nothing and costs nothing. */
export function openLog(
  service: string,
  operator: string,
  level: LogLevel,
  sink: LogSink = openDestination({ dest: 2, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { service, operator },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      mixin() {
        const span = trace.getActiveSpan()?.spanContext();
        return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
      },
    },
    sink,
  );
}
