import { err, maxBig, ok, type Result } from "@soma/base";
import type { Address } from "@soma/protocol";
import type { Departure } from "./departure.ts";
import type { Victim } from "./eviction.ts";
import type { Inspected } from "./inspect.ts";
import { type Fill, minimumTip, type PoolLimits } from "./limits.ts";
import { Leases, Offers } from "./offers.ts";
import { checkQuota, checkTip, tooLow } from "./rules.ts";
import { Sender, type Waiting } from "./waiting.ts";

/** What the ledger says of a sender; undefined if it holds nothing. */
export type AccountFacts = { readonly balance: bigint; readonly sequence: bigint } | undefined;

export interface Admission {
  readonly digest: string;
  /** It was there already. */
  readonly known: boolean;
  /** What went for it: replaced or evicted. */
  readonly departed: readonly (Departure & { readonly waiting: Waiting })[];
}

/** An admission, or a refusal; `minimumTip` is the tip that would have passed just now, where a tip is all it lacks. */
export type Admitted = Result<Admission> & { readonly minimumTip?: bigint };

/**
 * The transactions that wait for a commit. Deterministic in its calls: time, account and signature come in from
 * outside. Bounded in everything but what `restore` brings back, which was accepted once and is never refused.
 */
export class TransactionPool {
  readonly #limits: PoolLimits;
  readonly #senders = new Map<Address, Sender>();
  /** All that wait, by digest, in the order of admission. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #offers = new Offers();
  readonly #leases = new Leases();
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
    return this.#waiting.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get senders(): number {
    return this.#senders.size;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get baseFee(): bigint {
    return this.#baseFee;
  }

  get #fill(): Fill {
    return { transactions: this.size, bytes: this.#bytes };
  }

  /** Least tip that is admitted now. */
  get tipFloor(): bigint {
    return minimumTip(this.#limits, this.#fill, this.#baseFee);
  }

  has(digest: string): boolean {
    return this.#waiting.has(digest);
  }

  /** Transactions of one sender that wait. */
  heldBy(address: Address): number {
    return this.#senders.get(address)?.waiting.size ?? 0;
  }

  /**
   * Refuses what pays less than the base fee as a tip while blocks take less than comes: a short queue and an early
   * refusal are worth more to everybody than a long wait. Costs nothing, so it is asked before the signature is checked.
   * Refusal: MEMPOOL_CONGESTED.
   */
  checkQueue(tip: bigint, at: bigint): Result<true> & { readonly minimumTip?: bigint } {
    const { queueMs, queueTransactions } = this.#limits;
    if (this.size <= queueTransactions || tip >= this.#baseFee) return ok(true);
    const next = this.#offers.first(({ sender }) => this.#senders.get(sender));
    if (next === undefined || at - next.admittedAt <= queueMs) return ok(true);
    return tooLow(
      "MEMPOOL_CONGESTED",
      `${this.size} wait for blocks: send it again later, or`,
      this.#baseFee,
    );
  }

  /**
   * LEDGER-1, admission. Refusals: MEMPOOL_EXPIRED, MEMPOOL_SIGNATURE, MEMPOOL_ACCOUNT, MEMPOOL_SEQUENCE_STALE,
   * MEMPOOL_SEQUENCE_FAR, MEMPOOL_TIP_LOW, MEMPOOL_SEQUENCE_TAKEN, MEMPOOL_QUOTA, MEMPOOL_BALANCE, MEMPOOL_FULL.
   */
  admit(transaction: Inspected, signatureValid: boolean, account: AccountFacts, at: bigint): Admitted {
    const { digest, sequence, tip } = transaction;
    if (this.#waiting.has(digest)) return ok({ digest, known: true, departed: [] });
    if (transaction.expiryEpoch < this.#epoch) return err("MEMPOOL_EXPIRED", `the epoch is ${this.#epoch}`);
    if (!signatureValid) return err("MEMPOOL_SIGNATURE", "the account did not sign it");
    if (account === undefined) return err("MEMPOOL_ACCOUNT", "the sender holds nothing");
    const sender = this.#senders.get(transaction.sender) ?? new Sender();
    const next = this.#nextOf(transaction.sender, sender, account.sequence);
    if (sequence < next) return err("MEMPOOL_SEQUENCE_STALE", `the next is ${next}`);
    if (sequence >= next + this.#limits.sequenceWindow) {
      return err("MEMPOOL_SEQUENCE_FAR", `at most ${this.#limits.sequenceWindow} ahead of ${next}`);
    }
    const standing = sender.waiting.get(sequence);
    const quota = checkQuota(this.#limits, sender, transaction, standing);
    if (!quota.ok) return quota;
    sender.nextSequence = next;
    this.#offer(sender);
    const situation = {
      limits: this.#limits,
      baseFee: this.#baseFee,
      fill: this.#fill,
      senders: this.#senders,
    };
    const tips = checkTip(situation, { sender, transaction, standing }, at);
    if (!tips.ok) return tips;
    const others = BigInt(sender.waiting.size) - (standing === undefined ? 0n : 1n);
    const fees = this.#baseFee * (others + 1n) + sender.tips - (standing?.tip ?? 0n) + tip;
    if (fees > account.balance) return err("MEMPOOL_BALANCE", `${fees} in fees would wait`);
    const departed: Admission["departed"][number][] = [];
    const leave = ({ waiting }: Victim, reason: "replaced" | "evicted") => {
      this.#remove(waiting);
      departed.push({ digest: waiting.digest, reason, by: digest, sender: waiting.sender, waiting });
    };
    if (standing !== undefined) leave({ address: transaction.sender, waiting: standing }, "replaced");
    for (const victim of tips.value) leave(victim, "evicted");
    this.#insert(sender, transaction, at);
    return ok({ digest, known: false, departed });
  }

  /** Facts that were asked before the last commit may be older than what the commit said. */
  #nextOf(address: Address, sender: Sender, told: bigint): bigint {
    return maxBig(told, maxBig(sender.nextSequence, this.#executed.get(address) ?? 0n));
  }

  /**
   * Takes back what was accepted before: after a restart, from a replica that is gone, or when a write failed. Neither
   * fill nor tip nor balance is asked. Returns why it does not wait any more, if so.
   */
  restore(
    transaction: Inspected,
    nextSequence: bigint,
    at: bigint,
  ): "restored" | "known" | "expired" | "sequence-used" | "replaced" {
    const { digest, sender: address, sequence, tip } = transaction;
    if (this.#waiting.has(digest)) return "known";
    if (transaction.expiryEpoch < this.#epoch) return "expired";
    const sender = this.#senders.get(address) ?? new Sender();
    const next = this.#nextOf(address, sender, nextSequence);
    if (sequence < next) return "sequence-used";
    const standing = sender.waiting.get(sequence);
    if (standing !== undefined && standing.tip >= tip) return "replaced";
    if (standing !== undefined) this.#remove(standing);
    sender.nextSequence = next;
    this.#insert(sender, transaction, at);
    return "restored";
  }

  #insert(sender: Sender, transaction: Inspected, admittedAt: bigint): void {
    const { bytes, digest, sequence, tip, expiryEpoch } = transaction;
    const waiting: Waiting = {
      sender: transaction.sender,
      bytes,
      digest,
      sequence,
      tip,
      expiryEpoch,
      arrival: this.#arrivals++,
      admittedAt,
      leasedUntil: 0n,
    };
    this.#senders.set(transaction.sender, sender);
    sender.insert(waiting);
    this.#bytes += bytes.length;
    this.#waiting.set(digest, waiting);
    this.#offer(sender);
  }

  #remove(waiting: Waiting): void {
    const sender = this.#senders.get(waiting.sender)!;
    sender.remove(waiting);
    this.#bytes -= waiting.bytes.length;
    this.#waiting.delete(waiting.digest);
    if (sender.waiting.size === 0) this.#senders.delete(waiting.sender);
    this.#offer(sender);
  }

  #offer(sender: Sender): void {
    this.#offers.update(sender, this.#senders);
  }

  #free(waiting: Waiting): void {
    const sender = this.#senders.get(waiting.sender)!;
    waiting.leasedUntil = 0n;
    sender.freed(waiting);
    this.#offer(sender);
  }

  /**
   * Transactions for a block: best tips first, each sender's in sequence without gaps, and leased until `at` plus the
   * lease. What no commit carries by then can be taken again. Costs what it takes.
   */
  take(maxTransactions: number, maxBytes: number, at: bigint): Waiting[] {
    for (const { digest, until } of this.#leases.takeEnded(at)) {
      const waiting = this.#waiting.get(digest);
      if (waiting?.leasedUntil === until) this.#free(waiting);
    }
    const senderOf = ({ sender }: Waiting) => this.#senders.get(sender);
    const taken: Waiting[] = [];
    let bytes = 0;
    while (taken.length < maxTransactions) {
      const best = this.#offers.first(senderOf);
      if (best === undefined || bytes + best.bytes.length > maxBytes) break;
      bytes += best.bytes.length;
      best.leasedUntil = at + this.#limits.leaseMs;
      this.#leases.add(best.digest, best.leasedUntil);
      taken.push(best);
      this.#offer(senderOf(best)!);
    }
    return taken;
  }

  /** Those that were admitted before, the longest waiting first. */
  waitingSince(before: bigint, limit: number): Waiting[] {
    const since: Waiting[] = [];
    for (const waiting of this.#waiting.values()) {
      if (waiting.admittedAt >= before || since.length >= limit) break;
      since.push(waiting);
    }
    return since;
  }

  /** Undefined if it does not wait. */
  bytesOf(digest: string): Uint8Array | undefined {
    return this.#waiting.get(digest)?.bytes;
  }

  /** Gives leases back before their time: the block that held them will not be proposed. */
  giveBack(digests: Iterable<string>): void {
    for (const digest of digests) {
      const waiting = this.#waiting.get(digest);
      if (waiting !== undefined) this.#free(waiting);
    }
  }

  /** Forgets transactions that the ledger would not take any more, or that could not be stored. */
  discard(digests: Iterable<string>): void {
    for (const digest of digests) {
      const waiting = this.#waiting.get(digest);
      if (waiting !== undefined) this.#remove(waiting);
    }
  }

  /** Forgets senders that are somebody else's now. */
  release(isGiven: (address: Address) => boolean): void {
    for (const [address, sender] of [...this.#senders]) {
      if (!isGiven(address)) continue;
      for (const waiting of [...sender.waiting.values()]) this.#remove(waiting);
    }
  }

  /** A commit used these sequence numbers up: they and all below them go. Returns the digests of what waited. */
  executed(transactions: Iterable<{ readonly sender: Address; readonly sequence: bigint }>): string[] {
    const highest = new Map<Address, bigint>();
    for (const { sender, sequence } of transactions) {
      const known = highest.get(sender);
      if (known === undefined || sequence > known) highest.set(sender, sequence);
    }
    const gone: string[] = [];
    for (const [address, sequence] of highest) {
      this.#rememberExecuted(address, sequence + 1n);
      const sender = this.#senders.get(address);
      if (sender === undefined) continue;
      if (sequence >= sender.nextSequence) sender.nextSequence = sequence + 1n;
      for (const waiting of [...sender.waiting.values()]) {
        if (waiting.sequence > sequence) continue;
        gone.push(waiting.digest);
        this.#remove(waiting);
      }
      this.#offer(sender);
    }
    return gone;
  }

  #rememberExecuted(address: Address, next: bigint): void {
    const known = this.#executed.get(address) ?? 0n;
    this.#executed.delete(address);
    this.#executed.set(address, maxBig(known, next));
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
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.expiryEpoch >= epoch) continue;
      gone.push(waiting.digest);
      this.#remove(waiting);
    }
    return gone;
  }
}
