import type { Address } from "@soma/protocol";
import { Heap } from "./heap.ts";
import { type Fill, fairShare, type PoolLimits } from "./limits.ts";
import { BEHIND_GAP, type Sender, type Standing, type Waiting } from "./waiting.ts";

/** Who wants in, and what the pool lacks for it. */
export interface Newcomer {
  readonly sender: Address;
  /** Transactions and bytes that have to go. */
  readonly lacking: Fill;
  /** What its sender holds with it. */
  readonly held: Fill;
}

export interface Victim {
  readonly address: Address;
  readonly waiting: Waiting;
}

export interface Eviction {
  /** The lowest standing first. */
  readonly victims: readonly Victim[];
  /** The least standing for which they give way. */
  readonly price: bigint;
}

interface Candidate {
  readonly address: Address;
  readonly sender: Sender;
  /** How many of its transactions are left; the last of these is the one that would go. */
  readonly transactions: number;
  readonly bytes: number;
}

/**
 * Who would make room, the lowest standing first, and what the newcomer has to pay for it; undefined where nobody has
 * to. Three rules:
 *
 * 1. Only a sender that holds more than its fair share (the pool's bound over the number of senders) loses anything,
 *    and its last transaction in sequence first: what follows one that goes has gone before it.
 * 2. What goes pays less a byte than what comes, counted with what each has to wait for (`Sender.standings`). If they
 *    pay alike, it goes only for a sender within its own fair share.
 * 3. What is in somebody's block stays.
 *
 * Of equal standing the larger holder's goes first, then what came last. Nothing is changed here.
 */
export function planEviction(
  senders: ReadonlyMap<Address, Sender>,
  limits: PoolLimits,
  newcomer: Newcomer,
  at: bigint,
): Eviction | undefined {
  const count = senders.size + (senders.has(newcomer.sender) ? 0 : 1);
  const share = {
    transactions: fairShare(limits.transactions, count),
    bytes: fairShare(limits.bytes, count),
  };
  let { transactions, bytes } = newcomer.lacking;
  // What a sender holds and what is lacking only shrink here: who is not eligible now never will be.
  const isEligible = (held: Fill) =>
    (transactions > 0 && held.transactions > share.transactions) || (bytes > 0 && held.bytes > share.bytes);

  const { held } = newcomer;
  const isWithinShare = held.transactions <= share.transactions && held.bytes <= share.bytes;
  const priceOf = (dearest: bigint) => (isWithinShare ? dearest : dearest + 1n);
  const eligible = function* (): Generator<Candidate> {
    for (const [address, sender] of senders) {
      if (address === newcomer.sender) continue;
      const candidate = { address, sender, transactions: sender.waiting.size, bytes: sender.bytes };
      if (isEligible(candidate) && lastOf(candidate).waiting.leasedUntil <= at) yield candidate;
    }
  };
  // Nearly always one has to go: found in one pass that keeps nothing.
  let best: Candidate | undefined;
  for (const candidate of eligible()) if (best === undefined || goesBefore(candidate, best)) best = candidate;
  if (best === undefined) return undefined;
  const { waiting: last, standing: lowest } = lastOf(best);
  if (transactions <= 1 && bytes <= last.bytes.length) {
    return { victims: [{ address: best.address, waiting: last }], price: priceOf(lowest) };
  }
  const heap = new Heap([...eligible()], goesBefore);
  const victims: Victim[] = [];
  let dearest = BEHIND_GAP;
  while (transactions > 0 || bytes > 0) {
    const first = heap.first;
    if (first === undefined) return undefined;
    if (!isEligible(first)) {
      heap.pop();
      continue;
    }
    const { waiting, standing } = lastOf(first);
    victims.push({ address: first.address, waiting });
    dearest = standing;
    transactions -= 1;
    bytes -= waiting.bytes.length;
    const left = {
      ...first,
      transactions: first.transactions - 1,
      bytes: first.bytes - waiting.bytes.length,
    };
    if (left.transactions === 0 || lastOf(left).waiting.leasedUntil > at) heap.pop();
    else heap.replaceFirst(left);
  }
  return { victims, price: priceOf(dearest) };
}

function lastOf({ sender, transactions }: Candidate): Standing {
  return sender.standings[transactions - 1]!;
}

function goesBefore(a: Candidate, b: Candidate): boolean {
  const [one, other] = [lastOf(a), lastOf(b)];
  if (one.standing !== other.standing) return one.standing < other.standing;
  if (a.transactions !== b.transactions) return a.transactions > b.transactions;
  return one.waiting.arrival > other.waiting.arrival;
}
