import { err, maxBig, ok, type Result } from "@soma/base";
import type { Address } from "@soma/protocol";
import type { Departure } from "./departure.ts";
import { planEviction, type Victim } from "./eviction.ts";
import type { Inspected } from "./inspect.ts";
import { minimumTip, type PoolLimits, replacementTip } from "./limits.ts";
import { bestFirst } from "./order.ts";
import { BEHIND_GAP, Sender, tipAtRate, type Waiting } from "./waiting.ts";

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
  readonly #owners = new Map<string, Address>();
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
    return this.#owners.size;
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

  /** Least tip that is admitted now. */
  get tipFloor(): bigint {
    return minimumTip(this.#limits, { transactions: this.size, bytes: this.#bytes }, this.#baseFee);
  }

  has(digest: string): boolean {
    return this.#owners.has(digest);
  }

  /** Transactions of one sender that wait. */
  heldBy(address: Address): number {
    return this.#senders.get(address)?.waiting.size ?? 0;
  }

  /**
   * LEDGER-1, admission. Refusals: MEMPOOL_EXPIRED, MEMPOOL_SIGNATURE, MEMPOOL_ACCOUNT, MEMPOOL_SEQUENCE_STALE,
   * MEMPOOL_SEQUENCE_FAR, MEMPOOL_TIP_LOW, MEMPOOL_SEQUENCE_TAKEN, MEMPOOL_QUOTA, MEMPOOL_BALANCE, MEMPOOL_FULL.
   */
  admit(transaction: Inspected, signatureValid: boolean, account: AccountFacts, at: bigint): Admitted {
    const { digest, sequence, tip } = transaction;
    if (this.#owners.has(digest)) return ok({ digest, known: true, departed: [] });
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
    const quota = this.#checkQuota(sender, transaction, standing);
    if (!quota.ok) return quota;
    sender.nextSequence = next;
    const tips = this.#checkTip(sender, transaction, standing, at);
    if (!tips.ok) return tips;
    let fees = this.#baseFee + tip;
    for (const other of sender.waiting.values()) if (other !== standing) fees += this.#baseFee + other.tip;
    if (fees > account.balance) return err("MEMPOOL_BALANCE", `${fees} in fees would wait`);
    const departed: Admission["departed"][number][] = [];
    const leave = ({ address, waiting }: Victim, reason: "replaced" | "evicted") => {
      this.#remove(address, this.#senders.get(address)!, waiting);
      departed.push({ digest: waiting.digest, reason, by: digest, sender: address, waiting });
    };
    if (standing !== undefined) leave({ address: transaction.sender, waiting: standing }, "replaced");
    for (const victim of tips.value) leave(victim, "evicted");
    this.#insert(transaction.sender, sender, transaction);
    return ok({ digest, known: false, departed });
  }

  /** Facts that were asked before the last commit may be older than what the commit said. */
  #nextOf(address: Address, sender: Sender, told: bigint): bigint {
    return maxBig(told, maxBig(sender.nextSequence, this.#executed.get(address) ?? 0n));
  }

  #checkQuota(sender: Sender, transaction: Inspected, standing: Waiting | undefined): Result<true> {
    const count = sender.waiting.size + (standing === undefined ? 1 : 0);
    const bytes = sender.bytes + transaction.bytes.length - (standing?.bytes.length ?? 0);
    const { senderTransactions, senderBytes } = this.#limits;
    if (count > senderTransactions || bytes > senderBytes) {
      return err(
        "MEMPOOL_QUOTA",
        `${sender.waiting.size} of this sender wait, ${sender.bytes} bytes; at most ${senderTransactions}, ` +
          `${senderBytes} bytes: send more when they have executed`,
      );
    }
    return ok(true);
  }

  /** Whether the tip is enough for the fill, for what it replaces, and for what has to give way: those come back. */
  #checkTip(
    sender: Sender,
    transaction: Inspected,
    standing: Waiting | undefined,
    at: bigint,
  ): Result<readonly Victim[]> & { readonly minimumTip?: bigint } {
    const { sequence, tip, bytes } = transaction;
    const size = bytes.length;
    const floor = this.tipFloor;
    const replacing = standing === undefined ? 0n : replacementTip(standing.tip);
    const room = this.#planRoom(sender, transaction, standing, at);
    // A tip of its own is no help to one that has to wait for a cheap one, or to whom nobody has to give way.
    const roomTip = room === undefined ? undefined : tipAtRate(room.price, size);
    if (
      room === undefined ||
      roomTip === undefined ||
      sender.standingOf(sequence, roomTip, size) < room.price
    ) {
      return err("MEMPOOL_FULL", `${this.size} transactions, ${this.#bytes} bytes wait: try again later`);
    }
    const least = maxBig(floor, maxBig(replacing, roomTip));
    if (tip < floor) return tooLow("MEMPOOL_TIP_LOW", "for the pool's fill", least);
    if (tip < replacing) return tooLow("MEMPOOL_SEQUENCE_TAKEN", "to replace the one that waits", least);
    if (tip < roomTip) return tooLow("MEMPOOL_FULL", "to pass what waits and pays less a byte", least);
    return ok(room.victims);
  }

  #planRoom(sender: Sender, transaction: Inspected, standing: Waiting | undefined, at: bigint) {
    const more = {
      transactions: standing === undefined ? 1 : 0,
      bytes: transaction.bytes.length - (standing?.bytes.length ?? 0),
    };
    // A pool may be beyond its bounds by what it took over: a newcomer costs it no more than its own size even then.
    const { transactions, bytes } = this.#limits;
    const lacking = {
      transactions: Math.max(0, Math.min(more.transactions, this.size + more.transactions - transactions)),
      bytes: Math.max(0, Math.min(more.bytes, this.#bytes + more.bytes - bytes)),
    };
    if (lacking.transactions === 0 && lacking.bytes === 0) return { victims: [], price: BEHIND_GAP };
    const held = { transactions: sender.waiting.size + more.transactions, bytes: sender.bytes + more.bytes };
    return planEviction(this.#senders, this.#limits, { sender: transaction.sender, lacking, held }, at);
  }

  /**
   * Takes back what was accepted before: after a restart, from a replica that is gone, or when a write failed. Neither
   * fill nor tip nor balance is asked. Returns why it does not wait any more, if so.
   */
  restore(
    transaction: Inspected,
    nextSequence: bigint,
  ): "restored" | "known" | "expired" | "sequence-used" | "replaced" {
    const { digest, sender: address, sequence, tip } = transaction;
    if (this.#owners.has(digest)) return "known";
    if (transaction.expiryEpoch < this.#epoch) return "expired";
    const sender = this.#senders.get(address) ?? new Sender();
    const next = this.#nextOf(address, sender, nextSequence);
    if (sequence < next) return "sequence-used";
    const standing = sender.waiting.get(sequence);
    if (standing !== undefined && standing.tip >= tip) return "replaced";
    if (standing !== undefined) this.#remove(address, sender, standing);
    sender.nextSequence = next;
    this.#insert(address, sender, transaction);
    return "restored";
  }

  #insert(address: Address, sender: Sender, transaction: Inspected): void {
    const { bytes, digest, sequence, tip, expiryEpoch } = transaction;
    this.#senders.set(address, sender);
    sender.insert({ bytes, digest, sequence, tip, expiryEpoch, arrival: this.#arrivals++, leasedUntil: 0n });
    this.#bytes += bytes.length;
    this.#owners.set(digest, address);
  }

  #remove(address: Address, sender: Sender, waiting: Waiting): void {
    sender.remove(waiting);
    this.#bytes -= waiting.bytes.length;
    this.#owners.delete(waiting.digest);
    if (sender.waiting.size === 0) this.#senders.delete(address);
  }

  #find(digest: string): { address: Address; sender: Sender; waiting: Waiting } | undefined {
    const address = this.#owners.get(digest);
    if (address === undefined) return undefined;
    const sender = this.#senders.get(address)!;
    for (const waiting of sender.waiting.values()) {
      if (waiting.digest === digest) return { address, sender, waiting };
    }
    return undefined;
  }

  /**
   * Transactions for a block: best tips first, each sender's in sequence without gaps, and leased until `at` plus the
   * lease. What no commit carries by then can be taken again.
   */
  take(maxTransactions: number, maxBytes: number, at: bigint): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    const chains = [...this.#senders.values()].map((sender) => sender.ready(at));
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
    for (const digest of digests) {
      const found = this.#find(digest);
      if (found !== undefined) found.waiting.leasedUntil = 0n;
    }
  }

  /** Forgets transactions that the ledger would not take any more, or that could not be stored. */
  discard(digests: Iterable<string>): void {
    for (const digest of digests) {
      const found = this.#find(digest);
      if (found !== undefined) this.#remove(found.address, found.sender, found.waiting);
    }
  }

  /** Forgets senders that are somebody else's now. */
  release(isGiven: (address: Address) => boolean): void {
    for (const [address, sender] of [...this.#senders]) {
      if (!isGiven(address)) continue;
      for (const waiting of [...sender.waiting.values()]) this.#remove(address, sender, waiting);
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

function tooLow(code: string, reason: string, minimum: bigint) {
  return { ...err(code, `${reason}, pay a tip of at least ${minimum}`), minimumTip: minimum };
}
