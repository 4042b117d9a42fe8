import { Heap } from "./heap.ts";

interface Ranked {
  readonly tip: bigint;
  readonly arrival: number;
}

function before(a: Ranked, b: Ranked): boolean {
  return a.tip === b.tip ? a.arrival < b.arrival : a.tip > b.tip;
}

/**
 * Merges chains whose order is fixed: always the best head next, by tip, then by arrival. Taking a block costs the
 * number of senders once and a logarithm for each transaction.
 */
export function* bestFirst<T extends Ranked>(chains: readonly (readonly T[])[]): Generator<T> {
  const heads = chains.filter((chain) => chain.length > 0).map((chain) => ({ chain, at: 0 }));
  const heap = new Heap(heads, (a, b) => before(a.chain[a.at]!, b.chain[b.at]!));
  for (let top = heap.first; top !== undefined; top = heap.first) {
    const { chain, at } = top;
    yield chain[at]!;
    if (at + 1 === chain.length) heap.pop();
    else heap.replaceFirst({ chain, at: at + 1 });
  }
}
