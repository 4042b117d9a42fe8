import { printFailure } from "./output.ts";
import { buildProgram } from "./program.ts";

/** As a shell counts a program that SIGPIPE ended. */
const PIPE_CLOSED = 141;

// Whoever read the output has seen enough, as `head` does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(PIPE_CLOSED);
});

// A full disk takes what is told there, and not the process.
process.stderr.on("error", () => {});

try {
  await buildProgram().parseAsync();
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}
