import type { Rng } from "@soma/base";
import {
  type CommittedSubDag,
  type ConsensusBounds,
  type ConsensusEffect,
  type ConsensusInput,
  type ConsensusRules,
  ConsensusState,
  type OpenedEpoch,
  step,
  type VerifiedBlock,
} from "@soma/consensus/core";
import {
  type BlockBody,
  blockDigest,
  blockSigningBytes,
  type CommitteeMember,
  encodeSignedBlock,
} from "@soma/protocol";
import { beaconAlpha } from "@soma/sampling";
import type { NodeClock, Scheduler, SimJudge, SimNetwork } from "@soma/testkit/sim";
import type { SimMessage } from "./messages.ts";
import { type Observer, short } from "./observer.ts";
import { type SharedOpener, SIM_CHAIN, simTransaction } from "./sim-chain.ts";
import { simKey, simProve, simSign, simVerifier } from "./sim-crypto.ts";
import { ValidatorStore } from "./validator-store.ts";

/** What is common to the validators of one simulation. */
export interface SimWorld {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork<SimMessage>;
  readonly judge: SimJudge;
  readonly observer: Observer;
  readonly opener: SharedOpener;
  readonly genesis: OpenedEpoch;
  readonly ids: readonly string[];
}

/** How one validator is set up. */
export interface HostOptions {
  readonly id: string;
  readonly clock: NodeClock;
  readonly rng: Rng;
  readonly rules: ConsensusRules;
  readonly bounds: Partial<ConsensusBounds>;
  /** CONS-8: the signer log is synced before a block is shown. A mutant turns it off. */
  readonly syncsSignerLog: boolean;
  /** Reads the log as intact although it was lost. A mutant turns it on. */
  readonly forgetsLoss: boolean;
  /** The lease's term is compared before an own block is shown, unless a mutant turns it off. */
  readonly confirmsLease?: boolean;
}

/**
 * The shell of one validator in virtual time: the real core, a database, a signer log, and effects carried out in order. A
 * process lives from `start` to `crash`; the store outlives it.
 */
export abstract class ValidatorProcess {
  readonly id: string;
  readonly store = new ValidatorStore();
  protected readonly world: SimWorld;
  protected readonly options: HostOptions;
  #state: ConsensusState | null = null;
  #life = 0;
  #cancelTimer: () => void = () => {};
  #effectsUntilCrash = Number.POSITIVE_INFINITY;
  #delivered = 0n;
  #transactions = 0;
  /** Of the lease: every process that takes it begins the next one. */
  #term = 0;
  /** Signed, and not shown yet. */
  #signing: VerifiedBlock | null = null;

  constructor(world: SimWorld, options: HostOptions) {
    this.world = world;
    this.options = options;
    this.id = options.id;
  }

  get isUp(): boolean {
    return this.#state !== null;
  }

  get state(): ConsensusState | null {
    return this.#state;
  }

  /** Index of the last commit that the executor has. */
  get height(): number {
    return Number(this.#delivered);
  }

  start(): void {
    this.#launch();
  }

  #launch(): void {
    if (this.#state !== null) return;
    this.#life += 1;
    this.#term += 1;
    this.#signing = null;
    this.#effectsUntilCrash = Number.POSITIVE_INFINITY;
    const { rules, bounds } = this.options;
    this.#state = new ConsensusState({
      chainId: SIM_CHAIN,
      self: this.id,
      verifier: simVerifier,
      rules,
      bounds,
    });
    this.world.network.attach(this.id, (from, message) => this.receive(from, message));
    this.store.reload();
    const recovered = this.store.recovered(this.world.genesis);
    const lost = recovered.signerLog.status === "lost" && this.options.forgetsLoss;
    this.note(`starts, signer log ${recovered.signerLog.status}`);
    // What was stored and not yet executed: the outbox delivers it before anything new.
    for (const stored of this.store.commits) if (stored.commit.index > this.#delivered) this.#deliver(stored);
    this.feed({
      ...recovered,
      signerLog: lost ? { status: "intact", last: null, rebuiltIn: null } : recovered.signerLog,
    });
    this.started();
  }

  /** The process dies; `before` happens to its disks. */
  crash(before: (store: ValidatorStore) => void = () => {}): void {
    if (this.#state === null) return;
    this.collectCounters();
    this.#state = null;
    this.#life += 1;
    this.#cancelTimer();
    this.world.network.detach(this.id);
    this.store.disk.crash(this.options.rng);
    this.store.signer.crash(this.options.rng);
    before(this.store);
    this.store.reload();
    // A database that went back takes the executor with it: both are one database.
    const stored = this.store.commits.at(-1)?.commit.index ?? 0n;
    if (stored < this.#delivered) this.#delivered = stored;
    this.world.observer.coverage.crashes += 1;
    this.note("crashes");
  }

  /**
   * The process freezes and loses its lease; a standby goes on, on the same database, and with the signer log unless `before`
   * takes it away. After `wakeMs` the frozen one goes on where it was.
   */
  takeOver(wakeMs: number, before: (store: ValidatorStore) => void = () => {}): void {
    if (this.#state === null) return;
    this.collectCounters();
    const [zombie, signing, term] = [this.#state, this.#signing, this.#term];
    this.#state = null;
    this.#life += 1;
    this.#cancelTimer();
    this.world.network.detach(this.id);
    this.store.signer.crash(this.options.rng);
    before(this.store);
    this.note("is taken over by its standby");
    this.world.observer.coverage.takeovers += 1;
    this.#launch();
    this.world.scheduler.after(wakeMs, () => this.#wake(zombie, signing, term));
  }

  /** What a frozen process does when it goes on: it shows what it was about to, reads what came, and proposes. */
  #wake(zombie: ConsensusState, signing: VerifiedBlock | null, term: number): void {
    this.note("was frozen, and wakes up");
    if (signing !== null && !this.#showsAsZombie(signing, term)) return;
    const { epoch } = zombie.engine!.context;
    const blocks = this.store.blocksOf(epoch).filter((block) => this.authorOf(block) !== this.id);
    const from = this.world.ids.find((id) => id !== this.id)!;
    const { nowMs } = this.options.clock;
    const inputs = [
      { kind: "blocks-received", from, blocks, nowMs, wallMs: nowMs } as const,
      { kind: "tick", nowMs, wallMs: nowMs } as const,
    ];
    for (const { effects } of inputs.map((input) => step(zombie, input))) {
      for (const effect of effects) {
        if (effect.kind !== "propose") continue;
        this.#showsAsZombie(this.#signed(effect.body, effect.provesLeadership), term);
        return;
      }
    }
  }

  /** False if the lease kept it from showing the block, and ended it. */
  #showsAsZombie(block: VerifiedBlock, term: number): boolean {
    if (this.options.confirmsLease !== false && term !== this.#term) {
      this.world.observer.coverage.fencedInstances += 1;
      return false;
    }
    this.world.observer.shown(block, this.id);
    this.broadcast(block);
    return true;
  }

  /** Dies after `effects` more effects, in the middle of a step. */
  crashAfter(effects: number): void {
    this.#effectsUntilCrash = effects;
  }

  offerTransactions(count: number): void {
    const transactions = Array.from({ length: count }, () => simTransaction(this.id, this.#transactions++));
    this.feed({ kind: "transactions-available", transactions });
  }

  /** Adds what this process counted to the run's coverage. */
  collectCounters(): void {
    if (this.#state === null) return;
    const { coverage } = this.world.observer;
    const { counters } = this.#state;
    coverage.directCommits += counters.directCommits;
    coverage.indirectCommits += counters.indirectCommits;
    coverage.directSkips += counters.directSkips;
    coverage.indirectSkips += counters.indirectSkips;
    coverage.certifiedCommits += counters.certifiedCommits;
    coverage.schedules += counters.schedules;
    coverage.rests += counters.rests;
    coverage.wakes += counters.wakes;
  }

  protected abstract receive(from: string, message: SimMessage): void;

  /** The process runs, or its epoch has just closed: whatever it owes others is due. */
  protected abstract started(): void;

  protected note(line: string): void {
    this.world.judge.note(`${short(this.id)} ${line}`);
  }

  protected send(to: string, message: SimMessage): void {
    this.world.network.send(this.id, to, message);
  }

  /** To everybody else; Byzantine validators do it their way. */
  protected broadcast(block: VerifiedBlock): void {
    for (const to of this.world.ids)
      if (to !== this.id) this.send(to, { type: "blocks", blocks: [block.bytes] });
  }

  protected answerOwnRound(own: VerifiedBlock | null, tip: VerifiedBlock | null) {
    return { own: own?.bytes ?? null, tip: tip?.bytes ?? null };
  }

  protected serveBlocks(to: string, blocks: readonly Uint8Array[]): void {
    if (blocks.length > 0) this.send(to, { type: "blocks", blocks });
  }

  protected sign(body: BlockBody): VerifiedBlock {
    const signature = simSign(simKey(`block ${this.id}`), blockSigningBytes(SIM_CHAIN, body));
    const bytes = encodeSignedBlock({ body, signature });
    const { round, author } = body;
    return { ref: { round, author, digest: blockDigest(SIM_CHAIN, bytes) }, body, bytes };
  }

  protected accepts(_from: string, block: VerifiedBlock): boolean {
    return block.ref.round > 0;
  }

  /** The executor's part; here there is none. Each commit once, in order, but for repeats after a rollback. */
  protected executes(_committed: CommittedSubDag): void {}

  /** CONS-13: two blocks of one slot, for whoever brings evidence. */
  protected equivocationProved(_first: VerifiedBlock, _second: VerifiedBlock): void {}

  /** The committee of an epoch that this validator has opened. */
  protected committeeOf(epoch: bigint): readonly CommitteeMember[] {
    const opened = epoch === 0n ? this.world.genesis : this.store.handover(epoch)?.opened;
    return opened?.info.committee ?? [];
  }

  protected authorOf({ body }: VerifiedBlock): string {
    return this.committeeOf(body.epoch)[body.author]?.validator ?? "";
  }

  protected feed(input: WithoutNow<ConsensusInput>): void {
    const state = this.#state;
    if (state === null) return;
    const { nowMs } = this.options.clock;
    const { verdict, effects } = step(state, { ...input, nowMs, wallMs: nowMs } as ConsensusInput);
    if (verdict.kind === "reject") {
      this.note(`refuses ${input.kind}: ${verdict.code}`);
      this.world.observer.coverage.refusedBlocks += 1;
    }
    const life = this.#life;
    for (const effect of effects) {
      if (this.#life !== life || this.world.judge.hasFailed) return;
      if (this.#effectsUntilCrash <= 0) {
        this.crash();
        this.world.scheduler.after(300, () => this.start());
        return;
      }
      this.#effectsUntilCrash -= 1;
      this.#carryOut(effect);
    }
  }

  #carryOut(effect: ConsensusEffect): void {
    switch (effect.kind) {
      case "persist":
        this.store.write({ kind: "persisted", blocks: effect.blocks, commits: effect.commits });
        return;
      case "deliver-commit":
        this.#deliver(effect);
        return;
      case "store-certificate":
        this.store.write({ kind: "certificate", certificate: effect.certificate });
        return;
      case "propose":
        this.#propose(effect.body, effect.provesLeadership);
        return;
      case "broadcast":
        this.world.observer.shown(effect.block, this.id);
        this.broadcast(effect.block);
        return;
      case "fetch-blocks":
        this.send(effect.to, { type: "fetch-blocks", epoch: effect.epoch, refs: effect.refs });
        return;
      case "serve-blocks": {
        const stored = effect.stored.map(({ digest }) => this.store.block(digest)?.bytes);
        const bytes = [...effect.blocks.map((block) => block.bytes), ...stored];
        this.serveBlocks(
          effect.to,
          bytes.filter((block) => block !== undefined),
        );
        return;
      }
      case "ask-own-round":
        for (const to of effect.to) this.send(to, { type: "ask-own-round", epoch: effect.epoch });
        return;
      case "report-own-round": {
        const answer = this.answerOwnRound(effect.own, effect.tip);
        this.send(effect.to, { type: "own-round", epoch: effect.epoch, ...answer });
        return;
      }
      case "rebuild-signer-log":
        this.note(`rebuilds its signer log above round ${effect.floor}`);
        this.store.signer.append({ kind: "floor", epoch: effect.epoch, round: effect.floor });
        this.store.signer.sync();
        this.store.isSignerLost = false;
        this.world.observer.coverage.recoveredSigners += 1;
        return;
      case "fetch-commits":
        this.send(effect.to, { type: "fetch-commits", after: effect.after, limit: effect.limit });
        return;
      case "serve-commits": {
        const answer = this.store.serveCommits(effect.after, effect.limit);
        if (answer !== null) this.send(effect.to, answer);
        return;
      }
      case "set-timer":
        this.#cancelTimer();
        this.#cancelTimer = this.world.scheduler.at(this.options.clock.trueMs(effect.atMs) + 0.01, () =>
          this.feed({ kind: "tick" }),
        );
        return;
      case "report-equivocation":
        this.note(`proves that author ${effect.first.ref.author} equivocates`);
        this.equivocationProved(effect.first, effect.second);
        return;
      case "return-transactions":
        this.feed({ kind: "transactions-available", transactions: effect.block.body.transactions });
        return;
      case "fatal":
        this.onFatal(effect.code, effect.message);
        return;
    }
  }

  protected onFatal(code: string, message: string): void {
    this.world.judge.diverged(`${short(this.id)} stops: ${code}, ${message}`);
  }

  #propose(body: BlockBody, provesLeadership: boolean): void {
    const block = this.#signed(body, provesLeadership);
    this.store.signer.append({ kind: "block", block });
    this.#signing = block;
    const life = this.#life;
    const synced = () => {
      if (this.#life !== life) return;
      this.#signing = null;
      if (this.options.syncsSignerLog) this.store.signer.sync();
      this.feed({ kind: "own-block-signed", block });
    };
    this.world.scheduler.after(0.3 + this.options.rng.float(), synced);
  }

  #signed(body: BlockBody, provesLeadership: boolean): VerifiedBlock {
    const alpha = beaconAlpha(SIM_CHAIN, body.epoch, body.round);
    const vrfProof = provesLeadership ? simProve(simKey(`vrf ${this.id}`), alpha) : body.vrfProof;
    return this.sign({ ...body, vrfProof });
  }

  #deliver(committed: CommittedSubDag): void {
    const { commit } = committed;
    this.world.observer.delivered(this.id, committed);
    if (commit.index <= this.#delivered) return;
    if (commit.index !== this.#delivered + 1n) {
      this.world.judge.diverged(`${short(this.id)} delivers ${commit.index} after ${this.#delivered}`);
    }
    this.#delivered = commit.index;
    this.executes(committed);
    if (committed.closesEpoch) {
      this.note(`closes epoch ${commit.epoch} with commit ${commit.index}`);
      this.world.scheduler.after(this.options.rng.between(2, 40), () => this.started());
    }
  }
}

type WithoutNow<Input> = Input extends unknown ? Omit<Input, "nowMs" | "wallMs"> : never;
