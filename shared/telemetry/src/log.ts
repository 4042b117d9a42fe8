import { trace } from "@opentelemetry/api";
import { destination as openDestination, type Logger as PinoLogger, pino } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines with service, operator and, inside a span, its trace id. Facts first, then the sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "level" | "child">;

/** Where lines go; a test gives its own. Standard error by default, so that a command's output stays its own. */
export interface LogSink {
  write(line: string): void;
}

/** Bytes that wait for a full disk to have room again; further lines are dropped. */
const MAX_WAITING = 1024 * 1024;

/** Standard error, where a line that cannot be written is lost and nothing else. */
function standardError(): LogSink {
  const destination = openDestination({ dest: 2, sync: true, maxLength: MAX_WAITING });
  destination.on("error", () => {});
  // What waits is written before the next line that fits; a full buffer has no next one.
  destination.on("drop", () => {
    try {
      destination.flushSync();
    } catch {
      // Still no room.
    }
  });
  return destination;
}

/** Opens the log of one service. `silent` writes nothing and costs nothing. */
export function openLog(
  service: string,
  operator: string,
  level: LogLevel,
  sink: LogSink = standardError(),
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
