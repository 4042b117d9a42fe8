import { Writable } from "node:stream";

/** A stream that keeps the text written to it. `highWaterMark` in bytes makes it push back early. */
export function collect(highWaterMark = 1024): { sink: Writable; lines: () => string[] } {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    highWaterMark,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      setImmediate(done);
    },
  });
  const lines = () => {
    const text = Buffer.concat(chunks).toString("utf8");
    return text === "" ? [] : text.replace(/\n$/, "").split("\n");
  };
  return { sink, lines };
}
