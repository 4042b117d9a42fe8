import { Heap } from "./heap.ts";
import type { Sender, Waiting } from "./waiting.ts";

/**
 * What can go into a block now: of each sender the first in sequence that is in none, the best tip first, then what came
 * first. Taking costs a logarithm for each that is taken, however many wait.
 */
export class Offers {
  /** Entries that are no more (`Sender.offered` is another) are passed over when they come first. */
  #heap = new Heap<Waiting>([], goesFirst);

  /** Must be told after each change of what a sender has waiting, of its next number or of its leases. */
  update(sender: Sender, all: ReadonlyMap<unknown, Sender>): void {
    const { head } = sender;
    if (head === sender.offered) return;
    sender.offered = head;
    if (head === undefined) return;
    // Entries that are no more never are most of the heap.
    if (this.#heap.size > 2 * all.size + 64) {
      const offered = [...all.values()].flatMap((each) => each.offered ?? []);
      this.#heap = new Heap(offered, goesFirst);
    } else this.#heap.push(head);
  }

  /** The best; undefined if there is none. */
  first(senderOf: (waiting: Waiting) => Sender | undefined): Waiting | undefined {
    for (let best = this.#heap.first; best !== undefined; best = this.#heap.first) {
      if (senderOf(best)?.offered === best) return best;
      this.#heap.pop();
    }
    return undefined;
  }
}

/** Leases in the order in which they end: all last equally long. */
export class Leases {
  #leases: { readonly digest: string; readonly until: bigint }[] = [];

  add(digest: string, until: bigint): void {
    this.#leases.push({ digest, until });
  }

  /** Takes out those that have ended. */
  takeEnded(at: bigint): readonly { readonly digest: string; readonly until: bigint }[] {
    const standing = this.#leases.findIndex(({ until }) => until > at);
    const ended = this.#leases.slice(0, standing === -1 ? this.#leases.length : standing);
    if (ended.length > 0) this.#leases = this.#leases.slice(ended.length);
    return ended;
  }
}

/** By tip, then by arrival. */
function goesFirst(a: Waiting, b: Waiting): boolean {
  return a.tip === b.tip ? a.arrival < b.arrival : a.tip > b.tip;
}
