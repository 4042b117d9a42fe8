import type { Readable, Writable } from "node:stream";
import { answerLine, LINE_TOO_LONG, refusal } from "./answer.ts";
import { readLines } from "./lines.ts";
import { CONFORMANCE_FUNCTIONS } from "./registry.ts";

/** The longest line that is read: far above any case that a function accepts. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface ConformanceOptions {
  /** Print the names of the functions, one a line, and read nothing. */
  readonly list: boolean;
}

/**
 * `soma conformance`: answers the cases of `input`, one a line, in order, holding one at a time. Blank lines
 * are passed over; a line that is no case is answered with an error like any other refusal. Resolves, once
 * all is written, to exit status 0 at the end of the input, 1 if either stream breaks.
 */
export async function runConformance(
  input: Readable,
  output: Writable,
  { list }: ConformanceOptions,
): Promise<number> {
  let abandon: ((error: Error) => void) | undefined;
  // A failing write rejects below; without a listener its event would end the process first. A stream that is
  // destroyed during a write may never say so to the write.
  output.on("error", () => {});
  output.once("close", () => abandon?.(new Error("the output was closed")));
  const print = (line: string) =>
    new Promise<void>((resolve, reject) => {
      abandon = reject;
      output.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
    });
  try {
    if (list) {
      for (const name of CONFORMANCE_FUNCTIONS.keys()) await print(name);
      return 0;
    }
    for await (const line of readLines(input, MAX_LINE_BYTES)) {
      if (line !== null && line.trim() === "") continue;
      const answer =
        line === null
          ? refusal(null, LINE_TOO_LONG, `a line has at most ${MAX_LINE_BYTES} bytes`)
          : answerLine(line);
      await print(JSON.stringify(answer));
    }
    return 0;
  } catch {
    return 1;
  }
}
