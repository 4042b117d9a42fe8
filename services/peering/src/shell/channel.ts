import type { Hex32, PeerMessageType } from "@soma/protocol";
import type { Traceparent } from "@soma/telemetry";
import { isLive } from "../core/message-types.ts";
import { type Queued, type QueueLimits, SendQueue } from "../core/send-queue.ts";

export type Direction = "dialled" | "admitted";

/** A way to one peer over a connection that may be replaced. */
export interface Wire {
  /** Hands an envelope to the connection. */
  publish(bytes: Uint8Array, traceparent: Traceparent | undefined): Promise<void>;
  /** Resolves when the server has taken what was published before. */
  flush(): Promise<void>;
}

interface Waiting extends Queued {
  readonly traceparent: Traceparent | undefined;
}

/** Bytes handed to a connection that its server has not taken yet; the rest waits in the queue, where it may be dropped. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
/** The server is asked what it has taken after so many bytes; asked for each envelope, it would answer each. */
const ASKED_AFTER_BYTES = 512 * 1024;

/** Both directions with one peer over one link. Sending never waits: what does not fit the queue is dropped and counted. */
export class Channel {
  readonly peer: Hex32;
  readonly direction: Direction;
  /** When something verified last came over it, in milliseconds; at first, when it was opened. */
  lastHeardMs: number;
  /** Whether anything ever came. */
  wasHeard = false;
  received = 0;
  refused = 0;
  /** Whether the alarm of silence is raised. */
  isSilent = false;
  readonly #queue: SendQueue<Waiting>;
  readonly #onDropped: (count: number) => void;
  #wire: Wire | undefined;
  #inFlight = 0;
  /** Of those, what no question is on its way about. */
  #unasked = 0;

  constructor(options: {
    peer: Hex32;
    direction: Direction;
    limits: QueueLimits;
    nowMs: number;
    onDropped: (count: number) => void;
  }) {
    this.peer = options.peer;
    this.direction = options.direction;
    this.lastHeardMs = options.nowMs;
    this.#queue = new SendQueue(options.limits);
    this.#onDropped = options.onDropped;
  }

  get isOpen(): boolean {
    return this.#wire !== undefined;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Sends over `wire` from now on; what waits goes there. */
  attach(wire: Wire, nowMs: number): void {
    this.#wire = wire;
    this.#inFlight = 0;
    this.#unasked = 0;
    this.lastHeardMs = nowMs;
    this.#pump();
  }

  /** The connection is gone, if it is still the one in use: what waited is dropped. */
  detach(wire: Wire): void {
    if (this.#wire !== wire) return;
    this.#wire = undefined;
    let dropped = 0;
    while (this.#queue.take() !== undefined) dropped++;
    if (dropped > 0) this.#onDropped(dropped);
  }

  heard(nowMs: number): void {
    this.lastHeardMs = nowMs;
    this.wasHeard = true;
  }

  send(bytes: Uint8Array, type: PeerMessageType, traceparent: Traceparent | undefined): void {
    if (this.#wire === undefined) {
      this.#onDropped(1);
      return;
    }
    const dropped = this.#queue.offer({ bytes, isLive: isLive(type), traceparent });
    if (dropped > 0) this.#onDropped(dropped);
    this.#pump();
  }

  #pump(): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    while (this.#inFlight < IN_FLIGHT_BYTES) {
      const next = this.#queue.take();
      if (next === undefined) break;
      this.#inFlight += next.bytes.length;
      this.#unasked += next.bytes.length;
      // A connection that closed meanwhile says so by itself.
      wire.publish(next.bytes, next.traceparent).catch(() => this.#onDropped(1));
    }
    if (this.#unasked < ASKED_AFTER_BYTES) return;
    const asked = this.#unasked;
    this.#unasked = 0;
    wire.flush().then(
      () => {
        if (this.#wire !== wire) return;
        this.#inFlight -= asked;
        this.#pump();
      },
      () => this.detach(wire),
    );
  }
}
