import type { VerifiedBlock } from "@soma/consensus/core";
import { HandoverDesk, type HandoverDeskHost } from "./handover-desk.ts";
import type { SimHandover, SimMessage } from "./messages.ts";
import { handoverDigest } from "./sim-chain.ts";
import { type HostOptions, type SimWorld, ValidatorProcess } from "./validator-process.ts";
import type { ValidatorStore } from "./validator-store.ts";

const HELD_BLOCKS = 256;
const HANDOVER_RETRY_MS = 400;

/** A validator as others meet it: opens what they send, answers, and moves from epoch to epoch with them. */
export class ValidatorHost extends ValidatorProcess {
  readonly #deskHost: HandoverDeskHost;
  #desk: HandoverDesk;
  #held: { from: string; bytes: Uint8Array }[] = [];

  constructor(world: SimWorld, options: HostOptions) {
    super(world, options);
    this.#deskHost = { genesis: world.genesis, handover: (epoch) => this.store.handover(epoch) };
    this.#desk = new HandoverDesk(this.#deskHost);
  }

  override crash(before?: (store: ValidatorStore) => void): void {
    super.crash(before);
    this.#desk = new HandoverDesk(this.#deskHost);
    this.#held = [];
  }

  /** Signs the next epoch as long as the present one is closed, and asks those who may have opened it. */
  protected override started(): void {
    const last = this.store.commits.at(-1);
    const { state } = this;
    if (state === null || last === undefined || !last.closesEpoch) return;
    const epoch = last.commit.epoch + 1n;
    if (state.lastCommit!.epoch >= epoch) return;
    const opened = this.#desk.after(last);
    for (const to of this.world.ids) {
      if (to === this.id) this.learn(this.#desk.vote(to, opened, last.digest));
      else this.send(to, { type: "handover-vote", opened, lastDigest: last.digest });
    }
    this.world.scheduler.after(HANDOVER_RETRY_MS, () => this.started());
  }

  /** A hand-over that may now be certified: opens the epoch, or tells the core where the present one ends. */
  protected learn(handover: SimHandover): void {
    const { opened, lastDigest } = handover;
    const { epoch, lastCommit } = opened.info;
    const last = this.state?.lastCommit ?? null;
    if (last === null || last.epoch + 1n !== epoch || !this.isCertified(handover)) return;
    if (!last.closed) {
      this.feed({ kind: "commit-certified", epoch: epoch - 1n, index: lastCommit, digest: lastDigest });
      return;
    }
    this.world.observer.opened(this.id, opened, handoverDigest(opened, lastDigest));
    this.store.write({ kind: "opened", handover });
    this.note(`opens epoch ${epoch}`);
    this.feed({ kind: "epoch-opened", ...opened });
    this.#desk = new HandoverDesk(this.#deskHost);
    const held = this.#held;
    this.#held = [];
    for (const { from, bytes } of held) this.#receiveBlocks(from, [bytes]);
  }

  /** Whether the network stands behind a hand-over. */
  protected isCertified(handover: SimHandover): boolean {
    return this.#desk.isCertified(handover);
  }

  protected override receive(from: string, message: SimMessage): void {
    switch (message.type) {
      case "blocks":
        this.#receiveBlocks(from, message.blocks);
        return;
      case "fetch-blocks":
        this.feed({ kind: "blocks-requested", from, epoch: message.epoch, refs: message.refs });
        return;
      case "ask-own-round":
        this.#tellOfHandover(from, message.epoch);
        this.feed({ kind: "own-round-requested", from, epoch: message.epoch });
        return;
      case "own-round": {
        const own = message.own === null ? null : this.#open(message.epoch, message.own);
        const tip = message.tip === null ? null : this.#open(message.epoch, message.tip);
        if (typeof own === "string" || typeof tip === "string") return;
        this.feed({ kind: "own-round-reported", from, epoch: message.epoch, own, tip });
        return;
      }
      case "fetch-commits":
        this.feed({ kind: "commits-requested", from, after: message.after, limit: message.limit });
        return;
      case "commits":
        this.#receiveCommits(from, message);
        return;
      case "handover-vote":
        this.#tellOfHandover(from, message.opened.info.epoch - 1n);
        this.learn(this.#desk.vote(from, message.opened, message.lastDigest));
        return;
      case "ask-handover":
        this.#tellOfHandover(from, message.epoch - 1n);
        return;
      case "handover":
        this.learn(message.handover);
        return;
    }
  }

  /** Somebody is still in `epoch`: tell it how that one ended, if it did. */
  #tellOfHandover(to: string, epoch: bigint): void {
    const handover = this.store.handover(epoch + 1n);
    if (handover !== undefined && to !== this.id) this.send(to, { type: "handover", handover });
  }

  #open(epoch: bigint, bytes: Uint8Array): VerifiedBlock | string {
    const handover = epoch === 0n ? this.world.genesis : this.store.handover(epoch)?.opened;
    return handover === undefined ? "SIM_EPOCH_UNKNOWN" : this.world.opener.open(handover.info, bytes);
  }

  #receiveBlocks(from: string, blocks: readonly Uint8Array[]): void {
    const state = this.state;
    if (state === null || state.lastCommit === null) return;
    const present = state.lastCommit.epoch;
    const opened: VerifiedBlock[] = [];
    for (const bytes of blocks) {
      const epoch = this.world.opener.epochOf(bytes);
      if (epoch !== null && epoch > present) {
        if (this.#held.length < HELD_BLOCKS) this.#held.push({ from, bytes });
        this.send(from, { type: "ask-handover", epoch: present + 1n });
        continue;
      }
      if (epoch !== null && epoch < present) this.#tellOfHandover(from, epoch);
      const block = epoch === present ? this.#open(epoch, bytes) : "SIM_OTHER_EPOCH";
      if (typeof block === "string") {
        this.world.observer.coverage.refusedBlocks += 1;
        continue;
      }
      this.world.observer.shown(block, this.authorOf(block));
      if (this.accepts(from, block)) opened.push(block);
    }
    if (opened.length > 0) this.feed({ kind: "blocks-received", from, blocks: opened });
  }

  #receiveCommits(from: string, message: SimMessage & { type: "commits" }): void {
    const epoch = message.commits[0]?.epoch ?? 0n;
    const blocks = message.blocks.map((bytes) => this.world.opener.decode(bytes));
    const voters = message.voters.map((bytes) => this.#open(epoch, bytes));
    this.feed({
      kind: "commits-received",
      from,
      commits: message.commits,
      proof: message.proof,
      blocks: blocks.filter((block) => block !== null),
      voters: voters.filter((voter) => typeof voter !== "string"),
    });
  }
}
