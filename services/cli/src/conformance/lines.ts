import type { Readable } from "node:stream";

const NEWLINE = 0x0a;

/** One line of a stream without its newline, or null for one that was too long to keep. */
export type Line = string | null;

/**
 * The lines of a byte stream, holding no more than one line of `maxBytes` at a time: the rest of a longer one
 * is read and dropped. A last line needs no newline. @throws what the stream fails with.
 */
export async function* readLines(input: Readable, maxBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;

  const take = (part: Buffer) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else parts.push(part);
  };
  const finish = (): Line => {
    const line = length > maxBytes ? null : Buffer.concat(parts).toString("utf8");
    parts = [];
    length = 0;
    return line;
  };

  for await (const chunk of input) {
    const bytes: Buffer = typeof chunk === "string" ? Buffer.from(chunk, "utf8") : chunk;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      take(bytes.subarray(from, end));
      yield finish();
      from = end + 1;
    }
    if (from < bytes.length) take(bytes.subarray(from));
  }
  if (length > 0) yield finish();
}
