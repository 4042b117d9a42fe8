/** Something that waits to be sent to one peer. */
export interface Queued {
  readonly bytes: Uint8Array;
  /** May be dropped in favour of later ones. */
  readonly isLive: boolean;
}

export interface QueueLimits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * What waits for one peer, bounded in number and bytes, in the order of arrival. When it is full, the oldest live
 * messages make room; if none is left, the newcomer is refused. So a slow peer costs only itself.
 */
export class SendQueue<T extends Queued> {
  readonly #limits: QueueLimits;
  #live: { order: number; item: T }[] = [];
  #kept: { order: number; item: T }[] = [];
  #bytes = 0;
  #order = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#live.length + this.#kept.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Gives how many messages were dropped for it: possibly itself alone. */
  offer(item: T): number {
    const { messages, bytes } = this.#limits;
    if (item.bytes.length > bytes) return 1;
    let dropped = 0;
    while (this.length + 1 > messages || this.#bytes + item.bytes.length > bytes) {
      const oldest = this.#live.shift();
      if (oldest === undefined) return dropped + 1;
      this.#bytes -= oldest.item.bytes.length;
      dropped++;
    }
    (item.isLive ? this.#live : this.#kept).push({ order: this.#order++, item });
    this.#bytes += item.bytes.length;
    return dropped;
  }

  /** The oldest message, or undefined when nothing waits. */
  take(): T | undefined {
    const live = this.#live[0];
    const kept = this.#kept[0];
    const from =
      live !== undefined && (kept === undefined || live.order < kept.order) ? this.#live : this.#kept;
    const next = from.shift()?.item;
    if (next !== undefined) this.#bytes -= next.bytes.length;
    return next;
  }
}
