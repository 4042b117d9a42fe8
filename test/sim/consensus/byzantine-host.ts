import type { VerifiedBlock } from "@soma/consensus/core";
import { type BlockBody, type BlockRef, encodeSignedBlock } from "@soma/protocol";
import { ValidatorHost } from "./validator-host.ts";
import type { HostOptions, SimWorld } from "./validator-process.ts";

/** What a faulty validator may do, each at a time of its choosing. */
export const STRATEGIES = [
  "equivocate",
  "withhold",
  "late",
  "far-future",
  "unknown-ancestors",
  "silent-leader",
  "bad-signature",
  "lie",
] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** A validator that follows the rules inside and breaks them toward others; without strategies an honest one. */
export class ByzantineHost extends ValidatorHost {
  readonly #strategies: readonly Strategy[];
  readonly #twins = new Map<string, VerifiedBlock>();
  readonly #mine = new Set<string>();

  constructor(world: SimWorld, options: HostOptions, strategies: readonly Strategy[]) {
    super(world, options);
    this.#strategies = strategies;
  }

  protected override broadcast(block: VerifiedBlock): void {
    if (this.#strategies.length === 0) {
      super.broadcast(block);
      return;
    }
    this.#mine.add(block.ref.digest);
    const { rng } = this.options;
    const strategy = rng.chance(0.6) ? rng.pick(this.#strategies) : null;
    const others = rng.shuffle(this.world.ids.filter((id) => id !== this.id));
    switch (strategy) {
      case "equivocate": {
        const twin = this.#twin(block);
        const half = rng.between(1, others.length - 1);
        for (const [i, to] of others.entries()) this.#show(to, i < half ? block : twin);
        return;
      }
      case "withhold": {
        for (const to of others.slice(0, rng.between(0, Math.ceil(others.length / 3)))) this.#show(to, block);
        return;
      }
      case "late":
        this.world.scheduler.after(rng.between(200, 1_500), () => {
          for (const to of others) this.#show(to, block);
        });
        return;
      case "silent-leader":
        if (block.body.vrfProof.length > 0) return;
        break;
      case "far-future":
        for (const to of others) this.#show(to, this.#farFuture(block));
        break;
      case "unknown-ancestors":
        for (const to of others) this.#show(to, this.#unknownAncestors(block));
        break;
      case "bad-signature": {
        const bytes = encodeSignedBlock({ body: block.body, signature: rng.bytes(64) });
        for (const to of others) this.send(to, { type: "blocks", blocks: [bytes, rng.bytes(40)] });
        break;
      }
    }
    for (const to of others) this.#show(to, block);
  }

  /** Its own other blocks come back to it by others; the core inside would stop over them. */
  protected override accepts(from: string, block: VerifiedBlock): boolean {
    const isMine = this.#strategies.length > 0 && this.authorOf(block) === this.id;
    return super.accepts(from, block) && (!isMine || this.#mine.has(block.ref.digest));
  }

  protected override answerOwnRound(own: VerifiedBlock | null, tip: VerifiedBlock | null) {
    if (!this.#strategies.includes("lie")) return super.answerOwnRound(own, tip);
    const forged = tip === null ? null : this.#farFuture(tip).bytes;
    return this.options.rng.chance(0.5) ? { own: null, tip: null } : { own: null, tip: forged };
  }

  protected override serveBlocks(to: string, blocks: readonly Uint8Array[]): void {
    const { rng } = this.options;
    const lies = this.#strategies.includes("lie");
    if (lies && rng.chance(0.4)) return;
    super.serveBlocks(to, lies && rng.chance(0.5) ? [rng.bytes(64)] : blocks);
  }

  protected override onFatal(code: string, message: string): void {
    if (this.#strategies.length === 0) {
      super.onFatal(code, message);
      return;
    }
    this.note(`is faulty and stops itself: ${code}`);
    this.crash();
    this.world.scheduler.after(500, () => this.start());
  }

  #show(to: string, block: VerifiedBlock): void {
    this.send(to, { type: "blocks", blocks: [block.bytes] });
  }

  /** Another block of the same slot, the same one whenever asked. */
  #twin(block: VerifiedBlock): VerifiedBlock {
    const { digest } = block.ref;
    const twin = this.#twins.get(digest) ?? this.#variant(block.body);
    this.#twins.set(digest, twin);
    return twin;
  }

  #variant(body: BlockBody): VerifiedBlock {
    return this.sign({ ...body, timestampMs: body.timestampMs + 1n, commitVotes: [] });
  }

  /** Well formed, with a quorum of parents that nobody has: a million rounds ahead, or just too far. */
  #farFuture(block: VerifiedBlock): VerifiedBlock {
    const { rng } = this.options;
    const round = block.ref.round + rng.pick([2, 60, 9_000, 1_000_000]);
    return this.sign({ ...block.body, round, ancestors: this.#inventedParents(block, round) });
  }

  #unknownAncestors(block: VerifiedBlock): VerifiedBlock {
    return this.sign({
      ...block.body,
      round: block.ref.round + 1,
      ancestors: this.#inventedParents(block, block.ref.round + 1),
    });
  }

  #inventedParents({ body }: VerifiedBlock, round: number): BlockRef[] {
    const self = body.author;
    const all = [...this.committeeOf(body.epoch).keys()];
    const authors = [self, ...all.filter((author) => author !== self)];
    return authors.map((author) => ({ round: round - 1, author, digest: this.#randomDigest() }));
  }

  #randomDigest(): string {
    return Array.from(this.options.rng.bytes(32), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
