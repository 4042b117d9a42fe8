import type { NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl, type ServerInfo, setTransportFactory } from "@nats-io/nats-core/internal";
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { NodeTransport, nodeResolveHost } from "@nats-io/transport-node/lib/node_transport.js";
import { InboundGuard } from "./inbound-guard.ts";

/** What may wait to be sent to a server that does not read. */
const MAX_UNSENT = 16 * 1024 * 1024;
/** INFO is the first line; nothing else comes before the client has answered it. */
const MAX_INFO = 64 * 1024;

export interface GuardedOptions extends NodeConnectionOptions {
  /** Of a server that somebody else runs: the largest message that is taken from it. Beyond it the connection ends. */
  readonly maxInboundMessage?: number;
}

/** The library's transport, whose memory an untrusted server cannot grow: neither by what it sends nor by not reading. */
class GuardedTransport extends NodeTransport {
  #maxInboundMessage: number | undefined;

  override connect(hp: Parameters<NodeTransport["connect"]>[0], options: GuardedOptions): Promise<void> {
    this.#maxInboundMessage = options.maxInboundMessage;
    return super.connect(hp, options);
  }

  override peekInfo(): Promise<ServerInfo> {
    const { socket } = this;
    if (this.#maxInboundMessage === undefined) return super.peekInfo();
    let received = 0;
    socket.on("data", (frame) => {
      received += frame.length;
      if (received > MAX_INFO) socket.destroy(new Error("the server's first line has no end"));
    });
    return super.peekInfo();
  }

  override setupHandlers(): void {
    super.setupHandlers();
    if (this.#maxInboundMessage !== undefined) this.#guard(new InboundGuard(this.#maxInboundMessage));
  }

  /** Puts the guard before the library's own reader, which never sees what is refused. */
  #guard(guard: InboundGuard): void {
    const { socket } = this;
    const end = (wrong: string) => socket.destroy(new Error(`the server sent ${wrong}`));
    const readers = socket.listeners("data");
    socket.removeAllListeners("data");
    // What came with INFO is kept for the library's parser.
    const early = guard.take(Buffer.concat(this.yields));
    if (early !== undefined) end(early);
    socket.on("data", (frame) => {
      if (socket.destroyed) return;
      const wrong = socket.writableLength > MAX_UNSENT ? "more than it reads answers to" : guard.take(frame);
      if (wrong !== undefined) end(wrong);
      else for (const reader of readers) reader.call(socket, frame);
    });
  }
}

/** As the library's `connect`, whose transport is fixed. */
export function connectGuarded(options: GuardedOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new GuardedTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}
