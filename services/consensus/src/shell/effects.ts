import { assertNever, SomaError } from "@soma/base";
import { encode } from "@soma/codec";
import { partitionOfTransaction, SubmitTransactions } from "@soma/contracts";
import type { ValidatorKeys } from "@soma/identity";
import { blockDigest, blockSigningBytes, encodeSignedBlock } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { beaconAlpha } from "@soma/sampling";
import type { CertifiedCommit, ConsensusEffect, StoredCommit, VerifiedBlock } from "../core/index.ts";
import type { ConsensusActor } from "./actor.ts";
import { Alarm } from "./alarm.ts";
import { cutResponse } from "./batch-transfer.ts";
import type { CommitDelivery } from "./commit-delivery.ts";
import type { Equivocations } from "./equivocations.ts";
import type { Lease } from "./lease.ts";
import type { ConsensusMetrics } from "./metrics.ts";
import {
  BATCH_BYTES,
  BlockRequestCodec,
  BlockResponseCodec,
  CommitRequestCodec,
  CommitResponseCodec,
  CommitResponsePartCodec,
  OwnRoundRequestCodec,
  OwnRoundResponseCodec,
  RESPONSE_BLOCK_BYTES,
} from "./peer-wire.ts";
import { bodyOf, type Peers } from "./peers.ts";
import { Serving } from "./serving.ts";
import type { SignerLog } from "./signer-log.ts";
import type { ConsensusStore } from "./store.ts";
import type { ConsensusTraces } from "./traces.ts";

export interface EffectsOptions {
  readonly chainId: string;
  readonly keys: ValidatorKeys;
  readonly bus: Bus;
  readonly store: ConsensusStore;
  readonly signerLog: SignerLog;
  readonly lease: Pick<Lease, "confirm">;
  readonly peers: Peers;
  readonly delivery: CommitDelivery;
  readonly equivocations: Equivocations;
  readonly metrics: ConsensusMetrics;
  readonly traces: ConsensusTraces;
  readonly onError: (error: unknown) => void;
}

/** Accepted blocks that may wait for their writing. */
const MAX_UNWRITTEN = 64;

/** Carries out the core's effects. */
export class Effects {
  readonly #o: EffectsOptions;
  readonly #serving: Serving;
  readonly #alarm = new Alarm(() => this.#actor?.tell({ kind: "tick" }));
  #actor: ConsensusActor | undefined;
  // Accepted blocks wait here and are written together, when something that rests on them is about to leave (DESIGN
  // section 5), or when many wait.
  #blocks: VerifiedBlock[] = [];
  #commits: StoredCommit[] = [];
  #certificates: CertifiedCommit[] = [];

  constructor(options: EffectsOptions) {
    this.#o = options;
    this.#serving = new Serving(options.onError);
  }

  attach(actor: ConsensusActor): void {
    this.#actor = actor;
  }

  async perform(effect: ConsensusEffect): Promise<void> {
    const { peers, delivery, metrics, traces } = this.#o;
    switch (effect.kind) {
      case "persist":
        this.#blocks.push(...effect.blocks);
        this.#commits.push(...effect.commits);
        if (this.#blocks.length >= MAX_UNWRITTEN) await this.flush();
        return;
      case "deliver-commit":
        await this.flush();
        metrics.commit.set(Number(effect.commit.index));
        traces.ordered(effect, (carried) => delivery.deliver(effect, carried));
        return;
      case "store-certificate":
        this.#certificates.push(effect.certificate);
        return;
      case "propose":
        await this.#propose(effect);
        return;
      case "broadcast":
        // The signer log has it, and the database what it rests on: an own block need not wait for more.
        await traces.proposing(effect.block, () => peers.broadcast(effect.block));
        return;
      case "fetch-blocks": {
        const { to, epoch, refs } = effect;
        await peers.send("block-request", to, bodyOf(BlockRequestCodec, { epoch, refs: [...refs] }));
        return;
      }
      case "serve-blocks":
        this.#serving.answer(effect.to, "blocks", () => this.#serveBlocks(effect));
        return;
      case "ask-own-round":
        for (const to of effect.to) {
          await peers.send("own-round-request", to, bodyOf(OwnRoundRequestCodec, { epoch: effect.epoch }));
        }
        return;
      case "report-own-round": {
        const { to, epoch, own, tip } = effect;
        const answer = { epoch, own: own?.bytes ?? null, tip: tip?.bytes ?? null };
        await peers.send("own-round-response", to, bodyOf(OwnRoundResponseCodec, answer));
        return;
      }
      case "rebuild-signer-log":
        await this.#o.signerLog.rebuild(effect.epoch, effect.floor);
        return;
      case "fetch-commits": {
        const { to, after, limit } = effect;
        peers.expectCommits(to, after);
        await peers.send("commit-request", to, bodyOf(CommitRequestCodec, { after, limit }));
        return;
      }
      case "serve-commits":
        this.#serving.answer(effect.to, "commits", () => this.#serveCommits(effect));
        return;
      case "set-timer":
        this.#alarm.set(effect.atMs);
        return;
      case "report-equivocation":
        metrics.equivocations.add(1);
        this.#o.equivocations.report(effect.first.bytes, effect.second.bytes);
        return;
      case "return-transactions":
        this.#returnTransactions(effect.block);
        return;
      case "fatal":
        throw new SomaError(effect.code, effect.message);
      default:
        return assertNever(effect);
    }
  }

  /** Writes what `persist` and `store-certificate` left waiting, all of it or nothing. */
  async flush(): Promise<void> {
    const [blocks, commits, certificates] = [this.#blocks, this.#commits, this.#certificates];
    if (blocks.length + commits.length + certificates.length === 0) return;
    this.#blocks = [];
    this.#commits = [];
    this.#certificates = [];
    await this.#o.store.persist(blocks, commits, certificates);
  }

  async close(): Promise<void> {
    this.#alarm.close();
    await this.#serving.close();
    await this.flush().catch(this.#o.onError);
  }

  async #propose({ body, provesLeadership }: Extract<ConsensusEffect, { kind: "propose" }>): Promise<void> {
    const { chainId, keys, signerLog, lease, metrics } = this.#o;
    const full = provesLeadership
      ? { ...body, vrfProof: keys.vrf.prove(beaconAlpha(chainId, body.epoch, body.round)).proof }
      : body;
    // What the block rests on, own blocks before it included, is stored before the log forgets them.
    await this.flush();
    const signature = keys.block.sign(blockSigningBytes(chainId, full));
    const bytes = encodeSignedBlock({ body: full, signature });
    const began = performance.now();
    await signerLog.append({ epoch: full.epoch, round: full.round, block: bytes });
    // Still the active one: whoever takes over later finds the entry, or is told of the round by a quorum (CONS-8). What was
    // signed by one that is not is never shown, and nobody takes over from its log.
    await lease.confirm();
    metrics.signerSync.record((performance.now() - began) / 1000);
    metrics.proposed.add(1);
    metrics.round.set(full.round);
    metrics.epoch.set(Number(full.epoch));
    const ref = { round: full.round, author: full.author, digest: blockDigest(chainId, bytes) };
    this.#actor?.tell({ kind: "own-block-signed", block: { ref, body: full, bytes } });
  }

  async #serveBlocks(effect: Extract<ConsensusEffect, { kind: "serve-blocks" }>): Promise<void> {
    const stored = await this.#o.store.blocks(effect.stored);
    const blocks: Uint8Array[] = [];
    let size = 0;
    // What does not fit is asked for again.
    for (const { bytes } of [...effect.blocks, ...stored]) {
      size += bytes.length + 4;
      if (size > BATCH_BYTES) break;
      blocks.push(bytes);
    }
    if (blocks.length === 0) return;
    await this.#o.peers.send(
      "block-response",
      effect.to,
      bodyOf(BlockResponseCodec, { epoch: effect.epoch, blocks }),
    );
  }

  async #serveCommits({
    to,
    after,
    limit,
  }: Extract<ConsensusEffect, { kind: "serve-commits" }>): Promise<void> {
    const batch = await this.#o.store.batch(after, limit, RESPONSE_BLOCK_BYTES);
    if (batch === null) return;
    const bytesOf = (blocks: readonly VerifiedBlock[]) => blocks.map(({ bytes }) => bytes);
    const response = encode(CommitResponseCodec, {
      commits: [...batch.commits],
      blocks: bytesOf(batch.blocks),
      proof: [...(batch.proof ?? [])],
      voters: bytesOf(batch.voters),
    });
    for (const part of cutResponse(after, response)) {
      await this.#o.peers.send("commit-response", to, bodyOf(CommitResponsePartCodec, part));
    }
  }

  #returnTransactions(block: VerifiedBlock): void {
    for (const bytes of block.body.transactions) {
      // Refused if another block carried it meanwhile, which is as well.
      this.#o.bus
        .request(SubmitTransactions, { partition: partitionOfTransaction(bytes) }, [bytes])
        .catch(this.#o.onError);
    }
  }
}
