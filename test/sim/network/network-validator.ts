import type { CommittedSubDag, VerifiedBlock } from "@soma/consensus/core";
import { inspect, TransactionPool } from "@soma/mempool/core";
import {
  type CertifiedCheckpoint,
  checkpointSigningBytes,
  decodeJobMessage,
  decodeSignedBlock,
  type EpochInfo,
  encodeSignedHeader,
  epochInfoDigest,
  type HaltStage,
  type TransactionKindInput,
  verifyCertificate,
} from "@soma/protocol";
import type { HaltPoint } from "@soma/state/core";
import { ByzantineHost, type Strategy } from "../consensus/byzantine-host.ts";
import type { SimHandover } from "../consensus/messages.ts";
import { short } from "../consensus/observer.ts";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import type { HostOptions } from "../consensus/validator-process.ts";
import type { ValidatorStore } from "../consensus/validator-store.ts";
import type { Actor } from "./actors.ts";
import { BlobShelf } from "./blob-shelf.ts";
import { Certifier } from "./certifier.ts";
import { HaltBook } from "./halt-book.ts";
import { LedgerHost, type OwnCheckpoint } from "./ledger-host.ts";
import { forged, updatesAfter } from "./ledger-updates.ts";
import type { NetworkMessage } from "./messages.ts";
import { networkVerifier } from "./network-crypto.ts";
import { isPoison } from "./release-fault.ts";
import { TransactionSender } from "./transaction-sender.ts";
import type { Vandal } from "./vandal.ts";
import type { NetworkWorld } from "./world.ts";

const POOL = {
  transactions: 2_000,
  bytes: 16 * 1024 * 1024,
  senderTransactions: 64,
  senderBytes: 2 * 1024 * 1024,
  sequenceWindow: 64n,
  queueMs: 1_000n,
  queueTransactions: 1_024,
  leaseMs: 1_500n,
};
const BATCH_MS = 70;
const RETRY_MS = 350;

export interface NetworkValidatorOptions extends HostOptions {
  readonly actor: Actor;
  readonly strategies: readonly Strategy[];
  /** Puts what no mempool would admit into its blocks. */
  readonly vandal: Vandal | null;
}

/** One validator operator: consensus, mempool, ledger, rewards, checkpoints, gateway and relay. */
export class NetworkValidator extends ByzantineHost {
  readonly actor: Actor;
  readonly isByzantine: boolean;
  readonly ledgerHost: LedgerHost;
  readonly certifier = new Certifier();
  readonly #net: NetworkWorld;
  readonly #vandal: Vandal | null;
  readonly #blobs = new BlobShelf();
  readonly #sender: TransactionSender;
  /** Who follows the ledger here, and mailboxes: both come back when people ask again. */
  readonly #followers = new Set<string>();
  #pool: TransactionPool;
  #run = 0;
  readonly #halts: HaltBook;

  constructor(world: NetworkWorld, options: NetworkValidatorOptions) {
    super(world, options, options.strategies);
    this.#net = world;
    this.actor = options.actor;
    this.isByzantine = options.strategies.length > 0;
    this.#vandal = options.vandal;
    this.ledgerHost = new LedgerHost(world);
    this.#halts = new HaltBook(world, this.ledgerHost);
    this.#sender = new TransactionSender(world, options.actor, options.rng.fork(7), this.id);
    this.#pool = this.#newPool();
  }

  /** Where the ledger stands that cannot go on. */
  get halt(): HaltPoint | null {
    return this.#halts.halt;
  }

  /** Digests of a decided commit's transactions. */
  transactionsOf(index: bigint): string[] {
    const stored = this.store.commits.find(({ commit }) => commit.index === index);
    const { checked } = this.#net;
    const bytes = stored?.blocks.flatMap(({ body }) => [...body.transactions]) ?? [];
    return [...new Set(bytes.map((transaction) => checked.check(transaction).digest))];
  }

  /** Those over which the release stumbles. */
  poisonOf(index: bigint): string[] {
    return this.transactionsOf(index).filter(isPoison);
  }

  /** By the operator's command, or from a peer. */
  submitOverride(bytes: Uint8Array, isOwn: boolean): void {
    if (!this.isUp || !this.#halts.take(bytes)) return;
    if (isOwn) this.#tellPeers({ type: "override", bytes });
    if (this.halt !== null) this.#goOn();
  }

  /** What was decided for the halted step is done, and what waited after it. */
  #goOn(): void {
    const stalled = this.#halts.release();
    for (const committed of stalled) this.executes(committed);
    const { halt } = this;
    if (halt === null || halt.commit > stalled[0]!.commit.index) this.#net.coverage.overridesApplied += 1;
  }

  #tellPeers(message: NetworkMessage): void {
    for (const to of this.world.ids) if (to !== this.id) this.#net.links.send(this.id, to, message);
  }

  /** Sends a transaction of this operator. */
  submit(kind: TransactionKindInput): void {
    this.#sender.send(kind);
  }

  override start(): void {
    if (this.isUp) return;
    const run = ++this.#run;
    this.#net.links.attach(this.id, (from, message) => this.#take(from, message));
    this.#pool = this.#newPool();
    // A database that went back: the ledger follows from the commits that are left.
    for (const stored of this.store.commits) this.executes(stored);
    super.start();
    this.#pool = this.#newPool();
    this.#batch(run);
    this.#retry(run);
  }

  override crash(before?: (store: ValidatorStore) => void): void {
    if (!this.isUp) return;
    super.crash(before);
    this.#run += 1;
    this.#halts.restart();
    this.#net.links.detach(this.id);
    this.#sender.restart();
    this.ledgerHost.restart(this.store.commits.at(-1)?.commit.index ?? 0n);
    this.certifier.restart(BigInt(this.ledgerHost.checkpoints.length));
  }

  #newPool(): TransactionPool {
    const { epoch, baseFee } = this.ledgerHost.ledger.currentEpoch;
    return new TransactionPool(POOL, epoch, baseFee);
  }

  protected override executes(committed: CommittedSubDag): void {
    const { ledgerHost } = this;
    const { auditor } = this.#net;
    const { index } = committed.commit;
    if (this.#halts.holds(committed)) return;
    if (index <= ledgerHost.head && !ledgerHost.isClosing(index)) return;
    const committee = ledgerHost.ledger.currentEpoch.committee;
    const execute = (stage: HaltStage) =>
      ledgerHost.execute(
        committed,
        committee,
        (executed, transactions) =>
          auditor.executed(this.id, { committed, executed, transactions, ledger: ledgerHost.ledger }),
        this.#halts.of(index, stage),
      );
    let done = execute(ledgerHost.isClosing(index) ? "settlement" : "execution");
    // What was kept for its settlement, by one that comes later.
    if (typeof done === "string" && ledgerHost.isClosing(index)) done = execute("settlement");
    if (typeof done === "string" && this.#net.fault !== null) {
      const { stage } = this.#halts.standStill(committed);
      this.note(`is halted at the ${stage} of commit ${index}`);
      return;
    }
    if (typeof done === "string") {
      this.world.judge.diverged(
        `the ledger of ${short(this.id)} refuses commit ${committed.commit.index}: ${done}`,
      );
      return;
    }
    this.#vandal?.executed(done.transactions);
    this.#pool.executed(done.executed.transactions);
    if (done.opened !== null) {
      auditor.settled(this.id, done.opened, ledgerHost.ledger);
      this.#pool.openEpoch(done.opened.epoch, done.opened.baseFee);
    }
    if (done.checkpoint !== null) {
      auditor.checkpoint(this.id, done.checkpoint);
      this.#share(done.checkpoint);
      this.#certified(this.certifier.certify(done.checkpoint.checkpoint.sequence, ...this.#own()));
    }
  }

  #own(): [readonly OwnCheckpoint[], (epoch: bigint) => EpochInfo | undefined] {
    return [this.ledgerHost.checkpoints, (epoch) => this.ledgerHost.epochs.get(epoch)];
  }

  /** Signs an own checkpoint, if this validator is of its committee, and shows the signature to all. */
  #share({ checkpoint, digest }: OwnCheckpoint): void {
    const { committee } = this.ledgerHost.epochs.get(checkpoint.epoch)!;
    if (!committee.some(({ validator }) => validator === this.id)) return;
    const { rng } = this.options;
    const signature =
      this.isByzantine && rng.chance(0.5)
        ? rng.bytes(96)
        : this.actor.signBls(checkpointSigningBytes(SIM_CHAIN, checkpoint));
    const share = { type: "share", sequence: checkpoint.sequence, digest, signature } as const;
    for (const to of this.world.ids) if (to !== this.id) this.#net.links.send(this.id, to, share);
    this.certifier.take(this.id, checkpoint.sequence, share, ...this.#own());
  }

  #certified(certificate: CertifiedCheckpoint | null): void {
    if (certificate === null) return;
    this.#net.auditor.certified(this.id, certificate);
    for (const follower of this.#followers)
      this.#serveUpdates(follower, certificate.checkpoint.sequence - 1n);
    if (certificate.checkpoint.nextEpoch !== null) this.started();
  }

  #batch(run: number): void {
    if (this.#run !== run) return;
    const { state } = this;
    if (state?.isSigning) {
      const taken = this.#pool.take(32, 200_000, BigInt(this.options.clock.nowMs));
      const junk = this.#vandal?.junk(this.ledgerHost.ledger) ?? [];
      const transactions = [...taken.map(({ bytes }) => bytes), ...junk];
      if (transactions.length > 0) this.feed({ kind: "transactions-available", transactions });
    }
    this.world.scheduler.after(BATCH_MS, () => this.#batch(run));
  }

  /** What was lost on the way is sent and asked for again. */
  #retry(run: number): void {
    if (this.#run !== run) return;
    const { certifier, ledgerHost } = this;
    if (this.halt !== null) this.#tellPeers({ type: "ask-override", commit: this.halt.commit });
    const [oldest] = certifier.pending(ledgerHost.checkpoints);
    if (oldest !== undefined) {
      for (const own of certifier.pending(ledgerHost.checkpoints)) this.#share(own);
      const others = this.world.ids.filter((id) => id !== this.id);
      const after = oldest.checkpoint.sequence - 1n;
      this.#net.links.send(this.id, this.options.rng.pick(others), { type: "ask-certificates", after });
    }
    this.world.scheduler.after(RETRY_MS, () => this.#retry(run));
  }

  #take(from: string, message: NetworkMessage): void {
    const { links } = this.#net;
    if (!this.isUp) return;
    switch (message.type) {
      case "transaction":
        this.#admit(message.bytes);
        return;
      case "share":
        this.#net.auditor.shared(from, message.sequence, message.digest);
        this.#certified(this.certifier.take(from, message.sequence, message, ...this.#own()));
        return;
      case "override":
        this.submitOverride(message.bytes, false);
        return;
      case "ask-override":
        for (const bytes of this.#halts.from(message.commit))
          links.send(this.id, from, { type: "override", bytes });
        return;
      case "ask-certificates": {
        const certificates = this.certifier.after(message.after);
        if (certificates.length > 0) links.send(this.id, from, { type: "certificates", certificates });
        return;
      }
      case "certificates":
        this.#takeCertificates(message.certificates);
        return;
      case "ask-updates":
        this.#followers.add(from);
        this.#serveUpdates(from, message.after);
        return;
      case "ask-account": {
        const { ledger } = this.ledgerHost;
        const sequence = ledger.account(message.address)?.sequence ?? 0n;
        links.send(this.id, from, {
          type: "account",
          address: message.address,
          sequence,
          epoch: ledger.head.epoch,
        });
        return;
      }
      case "account":
        this.#sender.answered(message.sequence, message.epoch);
        return;
      case "peer":
        this.#relay(message);
        return;
      case "put-blob":
        this.#blobs.put(message.bytes);
        return;
      case "ask-blob": {
        const isLying = this.isByzantine && this.options.rng.chance(0.3);
        const bytes = isLying ? this.options.rng.bytes(40) : (this.#blobs.get(message.hash) ?? null);
        links.send(this.id, from, { type: "blob", hash: message.hash, bytes });
        return;
      }
    }
  }

  #admit(bytes: Uint8Array): void {
    const { ledger } = this.ledgerHost;
    const inspected = inspect(bytes, SIM_CHAIN, ledger.head.epoch);
    if (!inspected.ok) return;
    const { signatureValid } = this.#net.checked.check(bytes);
    this.#pool.admit(
      inspected.value,
      signatureValid,
      ledger.account(inspected.value.sender),
      BigInt(this.options.clock.nowMs),
    );
  }

  #takeCertificates(certificates: readonly CertifiedCheckpoint[]): void {
    for (const certificate of certificates) {
      const taken = this.certifier.received(certificate, ...this.#own());
      if (taken === "diverged") {
        this.world.judge.diverged(
          `${short(this.id)} has another checkpoint ${certificate.checkpoint.sequence}`,
        );
      }
      if (taken === "taken") this.#certified(certificate);
    }
  }

  /** Envelopes for others go on; those for a mailbox here go to its owner. A faulty relay withholds some. */
  #relay(message: NetworkMessage & { type: "peer" }): void {
    if (this.isByzantine && this.options.rng.chance(0.3)) return;
    if (message.to !== this.id) {
      this.#net.links.send(this.id, message.to, message);
      return;
    }
    const relayed = decodeJobMessage(message.body);
    if (!relayed.ok) return;
    const payer = this.ledgerHost.ledger.job(relayed.value.job)?.payer;
    if (payer !== undefined) this.#net.links.send(this.id, payer, { ...message, to: payer });
  }

  #serveUpdates(to: string, after: bigint): void {
    const updates = updatesAfter(this.ledgerHost, this.certifier, after);
    if (updates.length === 0) return;
    const isLying = this.isByzantine && this.options.rng.chance(0.3);
    this.#net.links.send(this.id, to, { type: "updates", updates: isLying ? updates.map(forged) : updates });
  }

  /** The next epoch as the certified checkpoint names it (CONS-10): asked for again until it is there. */
  protected override started(): void {
    const last = this.store.commits.at(-1);
    const { state } = this;
    if (state === null || last === undefined || !last.closesEpoch) return;
    const { epoch } = last.commit;
    if (state.lastCommit!.epoch > epoch) return;
    const own = this.ledgerHost.checkpoints.find(
      ({ checkpoint, next }) => checkpoint.epoch === epoch && next !== null,
    );
    const certificate = own && this.certifier.certificate(own.checkpoint.sequence);
    if (own?.next && certificate !== undefined) {
      const opened = { info: own.next, parameters: this.#net.parameters };
      this.learn({ opened, lastDigest: last.digest, voters: [], certificate });
      return;
    }
    this.world.scheduler.after(RETRY_MS, () => this.started());
  }

  protected override isCertified({ opened, lastDigest, certificate }: SimHandover): boolean {
    const { info } = opened;
    const epoch = this.ledgerHost.epochs.get(info.epoch - 1n);
    if (certificate === undefined || epoch === undefined) return false;
    const { checkpoint } = certificate;
    return (
      checkpoint.nextEpoch === epochInfoDigest(SIM_CHAIN, info) &&
      checkpoint.commitDigest === lastDigest &&
      verifyCertificate(SIM_CHAIN, certificate, epoch, networkVerifier).ok
    );
  }

  /** CONS-13. */
  protected override equivocationProved(first: VerifiedBlock, second: VerifiedBlock): void {
    const [a, b] = [first, second].map(({ bytes }) => {
      const block = decodeSignedBlock(bytes);
      if (!block.ok) throw new Error(block.code);
      return encodeSignedHeader(SIM_CHAIN, block.value);
    });
    this.submit({ SubmitEquivocation: { first: a!, second: b! } });
  }
}
