/** The longest line of a server: its INFO, which lists a cluster's addresses, is the longest by far. */
const MAX_LINE = 64 * 1024;
const NEWLINE = 10;
const CONTROL = /^(?:INFO|PING|PONG|\+OK|-ERR)(?:[ \t]|$)/i;
const DELIVERY = /^H?MSG[ \t].*[ \t](\d{1,10})$/i;

/**
 * Follows what a NATS server sends, and says when it is more than a client should hold: a line without end, a message
 * beyond the bound, or nothing of the protocol. The client library keeps a message's bytes until all of them are
 * there, however many its line announces. (NATS client protocol: INFO, MSG, HMSG, PING, PONG, +OK, -ERR.)
 */
export class InboundGuard {
  readonly #maxMessageBytes: number;
  #line = "";
  /** Bytes of the present message that are still to come, its line's end included. */
  #payload = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Takes the next bytes; what is wrong with them, or undefined. */
  take(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#payload > 0) {
        const skipped = Math.min(this.#payload, chunk.length - at);
        this.#payload -= skipped;
        at += skipped;
        continue;
      }
      const end = chunk.indexOf(NEWLINE, at);
      const stop = end === -1 ? chunk.length : end;
      if (this.#line.length + stop - at > MAX_LINE) return `a line of more than ${MAX_LINE} bytes`;
      this.#line += Buffer.from(chunk.buffer, chunk.byteOffset + at, stop - at).toString("latin1");
      if (end === -1) return undefined;
      at = end + 1;
      const line = this.#line.trimEnd();
      this.#line = "";
      const wrong = this.#follow(line);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  #follow(line: string): string | undefined {
    if (CONTROL.test(line)) return undefined;
    const size = DELIVERY.exec(line)?.[1];
    if (size === undefined) return "a line that is not of the protocol";
    if (Number(size) > this.#maxMessageBytes)
      return `a message of ${size} bytes, at most ${this.#maxMessageBytes}`;
    this.#payload = Number(size) + 2;
    return undefined;
  }
}
