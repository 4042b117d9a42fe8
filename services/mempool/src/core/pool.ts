import { err, maxBig, ok, type Result } from "@soma/base";
import type { Address } from "@soma/protocol";
import type { Inspected } from "./inspect.ts";
import { minimumTip, type PoolLimits } from "./limits.ts";
import { bestFirst } from "./order.ts";

/** A transaction that waits for a commit. */
export interface Waiting {
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly sequence: bigint;
  readonly tip: bigint;
  readonly expiryEpoch: bigint;
  /** Order of admission, for ties. */
  readonly arrival: number;
  /** Until then it is in somebody's block; 0 if it is free. Milliseconds. */
  leasedUntil: bigint;
}

interface Sender {
  nextSequence: bigint;
  bytes: number;
  readonly waiting: Map<bigint, Waiting>;
}

/** What the ledger says of a sender; undefined if it holds nothing. */
export type AccountFacts = { readonly balance: bigint; readonly sequence: bigint } | undefined;

export interface Admission {
  readonly digest: string;
  /** It was there already. */
  readonly known: boolean;
}

/**
 * The transactions that wait for a commit. Deterministic in its calls: time, account and signature come in from
 * outside. Bounded in everything.
 */
export class TransactionPool {
  readonly #limits: PoolLimits;
  readonly #senders = new Map<Address, Sender>();
  readonly #digests = new Set<string>();
  /** Next sequence numbers of senders that lately executed, as many as the pool takes: the newest are kept. */
  readonly #executed = new Map<Address, bigint>();
  #baseFee: bigint;
  #epoch: bigint;
  #bytes = 0;
  #arrivals = 0;

  constructor(limits: PoolLimits, epoch: bigint, baseFee: bigint) {
    this.#limits = limits;
    this.#epoch = epoch;
    this.#baseFee = baseFee;
  }

  get size(): number {
    return this.#digests.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get baseFee(): bigint {
    return this.#baseFee;
  }

  /** Least tip that is admitted now. */
  get tipFloor(): bigint {
    return minimumTip(this.#limits, { transactions: this.size, bytes: this.#bytes }, this.#baseFee);
  }

  has(digest: string): boolean {
    return this.#digests.has(digest);
  }

  /**
   * LEDGER-1, admission. Refusals: MEMPOOL_EXPIRED, MEMPOOL_SIGNATURE, MEMPOOL_ACCOUNT, MEMPOOL_SEQUENCE_STALE,
   * MEMPOOL_SEQUENCE_FAR, MEMPOOL_TIP_LOW, MEMPOOL_SEQUENCE_TAKEN, MEMPOOL_FULL, MEMPOOL_QUOTA, MEMPOOL_BALANCE.
   */
  admit(transaction: Inspected, signatureValid: boolean, account: AccountFacts): Result<Admission> {
    const { digest, sequence, tip } = transaction;
    if (this.#digests.has(digest)) return ok({ digest, known: true });
    if (transaction.expiryEpoch < this.#epoch) return err("MEMPOOL_EXPIRED", `the epoch is ${this.#epoch}`);
    if (!signatureValid) return err("MEMPOOL_SIGNATURE", "the account did not sign it");
    if (account === undefined) return err("MEMPOOL_ACCOUNT", "the sender holds nothing");
    const sender = this.#senders.get(transaction.sender) ?? newSender();
    // Facts that were asked before the last commit may be older than what the commit said.
    const known = maxBig(sender.nextSequence, this.#executed.get(transaction.sender) ?? 0n);
    const next = maxBig(account.sequence, known);
    if (sequence < next) return err("MEMPOOL_SEQUENCE_STALE", `the next is ${next}`);
    if (sequence >= next + this.#limits.sequenceWindow) {
      return err("MEMPOOL_SEQUENCE_FAR", `at most ${this.#limits.sequenceWindow} ahead of ${next}`);
    }
    if (tip < this.tipFloor) return err("MEMPOOL_TIP_LOW", `at least ${this.tipFloor}`);
    const standing = sender.waiting.get(sequence);
    if (standing !== undefined && standing.tip >= tip) {
      return err("MEMPOOL_SEQUENCE_TAKEN", `a tip above ${standing.tip} replaces it`);
    }
    const room = this.#checkRoom(sender, transaction, standing);
    if (!room.ok) return room;
    let fees = this.#baseFee + tip;
    for (const other of sender.waiting.values()) if (other !== standing) fees += this.#baseFee + other.tip;
    if (fees > account.balance) return err("MEMPOOL_BALANCE", `${fees} in fees would wait`);
    if (standing !== undefined) this.#remove(transaction.sender, sender, standing);
    this.#senders.set(transaction.sender, sender);
    sender.nextSequence = next;
    this.#insert(sender, transaction);
    return ok({ digest, known: false });
  }

  #checkRoom(sender: Sender, transaction: Inspected, standing: Waiting | undefined): Result<true> {
    const count = standing === undefined ? 1 : 0;
    const bytes = transaction.bytes.length - (standing?.bytes.length ?? 0);
    if (this.size + count > this.#limits.transactions || this.#bytes + bytes > this.#limits.bytes) {
      return err("MEMPOOL_FULL", `${this.size} transactions wait`);
    }
    const { senderTransactions, senderBytes } = this.#limits;
    if (sender.waiting.size + count > senderTransactions || sender.bytes + bytes > senderBytes) {
      return err("MEMPOOL_QUOTA", `${sender.waiting.size} of this sender wait`);
    }
    return ok(true);
  }

  #insert(sender: Sender, transaction: Inspected): void {
    const { bytes, digest, sequence, tip, expiryEpoch } = transaction;
    const arrival = this.#arrivals++;
    sender.waiting.set(sequence, { bytes, digest, sequence, tip, expiryEpoch, arrival, leasedUntil: 0n });
    sender.bytes += bytes.length;
    this.#bytes += bytes.length;
    this.#digests.add(digest);
  }

  #remove(address: Address, sender: Sender, waiting: Waiting): void {
    sender.waiting.delete(waiting.sequence);
    sender.bytes -= waiting.bytes.length;
    this.#bytes -= waiting.bytes.length;
    this.#digests.delete(waiting.digest);
    if (sender.waiting.size === 0) this.#senders.delete(address);
  }

  /**
   * Transactions for a block: best tips first, each sender's in sequence without gaps, and leased until `at` plus the
   * lease. What no commit carries by then can be taken again.
   */
  take(maxTransactions: number, maxBytes: number, at: bigint): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    const chains = [...this.#senders.values()].map((sender) => readyOf(sender, at));
    for (const waiting of bestFirst(chains)) {
      if (taken.length >= maxTransactions) break;
      if (bytes + waiting.bytes.length > maxBytes) break;
      bytes += waiting.bytes.length;
      waiting.leasedUntil = at + this.#limits.leaseMs;
      taken.push(waiting);
    }
    return taken;
  }

  /** Gives leases back before their time: the block that held them will not be proposed. */
  giveBack(digests: Iterable<string>): void {
    const wanted = new Set(digests);
    for (const sender of this.#senders.values()) {
      for (const waiting of sender.waiting.values()) if (wanted.has(waiting.digest)) waiting.leasedUntil = 0n;
    }
  }

  /** Forgets transactions that the ledger would not take any more. */
  discard(digests: Iterable<string>): void {
    const unwanted = new Set(digests);
    for (const [address, sender] of [...this.#senders]) {
      for (const waiting of [...sender.waiting.values()]) {
        if (unwanted.has(waiting.digest)) this.#remove(address, sender, waiting);
      }
    }
  }

  /** A commit used these sequence numbers up: they and all below them go. */
  executed(transactions: readonly { readonly sender: Address; readonly sequence: bigint }[]): void {
    for (const { sender: address, sequence } of transactions) {
      this.#rememberExecuted(address, sequence + 1n);
      const sender = this.#senders.get(address);
      if (sender === undefined) continue;
      if (sequence >= sender.nextSequence) sender.nextSequence = sequence + 1n;
      for (const waiting of [...sender.waiting.values()]) {
        if (waiting.sequence <= sequence) this.#remove(address, sender, waiting);
      }
    }
  }

  #rememberExecuted(address: Address, next: bigint): void {
    this.#executed.delete(address);
    this.#executed.set(address, next);
    if (this.#executed.size <= this.#limits.transactions) return;
    for (const oldest of this.#executed.keys()) {
      this.#executed.delete(oldest);
      return;
    }
  }

  /** The next epoch's fee holds, and what has expired goes. Returns the digests of those. */
  openEpoch(epoch: bigint, baseFee: bigint): string[] {
    this.#epoch = epoch;
    this.#baseFee = baseFee;
    const gone: string[] = [];
    for (const [address, sender] of [...this.#senders]) {
      for (const waiting of [...sender.waiting.values()]) {
        if (waiting.expiryEpoch >= epoch) continue;
        gone.push(waiting.digest);
        this.#remove(address, sender, waiting);
      }
    }
    return gone;
  }
}

function newSender(): Sender {
  return { nextSequence: 0n, bytes: 0, waiting: new Map() };
}

/**
 * What of a sender can go into a block now, in sequence. A leased one is in a block already, so those after it may
 * follow; a gap ends it.
 */
function readyOf(sender: Sender, at: bigint): Waiting[] {
  const ready: Waiting[] = [];
  for (let sequence = sender.nextSequence; ; sequence++) {
    const waiting = sender.waiting.get(sequence);
    if (waiting === undefined) return ready;
    if (waiting.leasedUntil <= at) ready.push(waiting);
  }
}
