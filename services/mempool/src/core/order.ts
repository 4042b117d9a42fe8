interface Ranked {
  readonly tip: bigint;
  readonly arrival: number;
}

function before(a: Ranked, b: Ranked): boolean {
  return a.tip === b.tip ? a.arrival < b.arrival : a.tip > b.tip;
}

/**
 * Merges chains whose order is fixed: always the best head next, by tip, then by arrival. A binary heap of heads, so
 * that taking a block costs the number of senders once and a logarithm for each transaction.
 */
export function* bestFirst<T extends Ranked>(chains: readonly (readonly T[])[]): Generator<T> {
  const heap = chains.filter((chain) => chain.length > 0).map((chain) => ({ chain, at: 0 }));
  const head = (i: number) => heap[i]!.chain[heap[i]!.at]!;
  const sink = (from: number) => {
    for (let i = from; ; ) {
      let best = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && before(head(child), head(best))) best = child;
      }
      if (best === i) return;
      [heap[i], heap[best]] = [heap[best]!, heap[i]!];
      i = best;
    }
  };
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(i);
  while (heap.length > 0) {
    yield head(0);
    const top = heap[0]!;
    top.at += 1;
    if (top.at === top.chain.length) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      if (last !== top) heap[0] = last;
    }
    sink(0);
  }
}
