import { trace } from "@opentelemetry/api";
import { destination as openDestination, type Logger as PinoLogger, pino } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines with service, operator and, inside a span, its trace id. Facts first, then the sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "level" | "child">;

/** Where lines go; a test gives its own. Standard error by default, so that a command's output stays its own. */
export interface LogSink {
  write(line: string): void;
}

/** Standard error. A line that cannot be written, as on a full disk, is lost with its writer, which would keep it. */
function standardError(): LogSink {
  let writer: LogSink | undefined;
  const open = () => {
    const opened = openDestination({ dest: 2, sync: true });
    opened.on("error", () => {
      writer = undefined;
    });
    return opened;
  };
  return {
    write(line) {
      writer ??= open();
      writer.write(line);
    },
  };
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
