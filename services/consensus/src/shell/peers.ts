import type { Result } from "@soma/base";
import { type Codec, decodeExact, encode } from "@soma/codec";
import { PeerMessageReceived, SendToPeer } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { type EpochInfo, EVERYBODY, type PeerMessageType, type ValidatorId } from "@soma/protocol";
import type { Bus } from "@soma/runtime";
import { BlockOpener, decodeCertifiedBlock, type VerifiedBlock } from "../core/index.ts";
import type { ConsensusActor } from "./actor.ts";
import { ResponseAssembly } from "./batch-transfer.ts";
import type { ConsensusMetrics } from "./metrics.ts";
import {
  BlockRequestCodec,
  BlockResponseCodec,
  CommitRequestCodec,
  CommitResponseCodec,
  CommitResponsePartCodec,
  MAX_BODY_BYTES,
  MAX_RESPONSE_BYTES,
  OwnRoundRequestCodec,
  OwnRoundResponseCodec,
} from "./peer-wire.ts";
import type { ConsensusTraces } from "./traces.ts";

/** What other validators' consensus services say, turned into inputs; and what goes to them. */
export class Peers {
  readonly #bus: Bus;
  readonly #chainId: string;
  readonly #metrics: ConsensusMetrics;
  readonly #traces: ConsensusTraces;
  /** Openers of the last two epochs, by epoch. */
  readonly #openers = new Map<bigint, BlockOpener>();
  readonly #assembly = new ResponseAssembly();

  constructor(options: { bus: Bus; chainId: string; metrics: ConsensusMetrics; traces: ConsensusTraces }) {
    this.#bus = options.bus;
    this.#chainId = options.chainId;
    this.#metrics = options.metrics;
    this.#traces = options.traces;
  }

  /** From now on blocks of this epoch, and of the one before, are taken. */
  opens(info: EpochInfo): void {
    this.#openers.set(info.epoch, new BlockOpener(this.#chainId, info, nativeVerifier));
    for (const epoch of this.#openers.keys()) if (epoch + 1n < info.epoch) this.#openers.delete(epoch);
  }

  /** Commits after this one were asked of this peer: nobody else's answer is taken. */
  expectCommits(from: ValidatorId, after: bigint): void {
    this.#assembly.expect(from, after);
  }

  async send(type: PeerMessageType, recipient: ValidatorId, body: Uint8Array): Promise<void> {
    await this.#bus.publish(SendToPeer, { type }, { recipient, body });
  }

  broadcast(block: VerifiedBlock): Promise<void> {
    return this.send("block", EVERYBODY, block.bytes);
  }

  async listen(actor: ConsensusActor): Promise<void> {
    await this.#on("block", (from, body) => {
      const block = this.#open(body);
      if (block !== undefined) this.#take(actor, from, [block]);
    });
    await this.#onDecoded("block-response", BlockResponseCodec, (from, { blocks }) => {
      const opened = blocks.flatMap((bytes) => this.#open(bytes) ?? []);
      if (opened.length > 0) this.#take(actor, from, opened);
    });
    await this.#onDecoded("block-request", BlockRequestCodec, (from, { epoch, refs }) => {
      actor.tell({ kind: "blocks-requested", from, epoch, refs });
    });
    await this.#onDecoded("own-round-request", OwnRoundRequestCodec, (from, { epoch }) => {
      actor.tell({ kind: "own-round-requested", from, epoch });
    });
    await this.#onDecoded("own-round-response", OwnRoundResponseCodec, (from, answer) => {
      const own = answer.own === null ? null : this.#open(answer.own);
      const tip = answer.tip === null ? null : this.#open(answer.tip);
      if (own === undefined || tip === undefined) return;
      actor.tell({ kind: "own-round-reported", from, epoch: answer.epoch, own, tip });
    });
    await this.#onDecoded("commit-request", CommitRequestCodec, (from, { after, limit }) => {
      actor.tell({ kind: "commits-requested", from, after, limit });
    });
    await this.#onDecoded("commit-response", CommitResponsePartCodec, (from, part) => {
      const whole = this.#assembly.take(from, part);
      if (whole !== undefined) this.#takeCommits(actor, from, whole);
    });
  }

  #takeCommits(actor: ConsensusActor, from: ValidatorId, response: Uint8Array): void {
    const batch = decodeExact(CommitResponseCodec, response, MAX_RESPONSE_BYTES);
    if (!batch.ok) {
      this.#metrics.received.add(1, { outcome: batch.code });
      return;
    }
    this.#metrics.syncBatches.add(1);
    this.#metrics.syncBytes.add(response.length);
    const { commits, proof } = batch.value;
    const voters = batch.value.voters.flatMap((bytes) => this.#open(bytes) ?? []);
    const blocks = batch.value.blocks.flatMap((bytes) => {
      const block = decodeCertifiedBlock(this.#chainId, bytes);
      return block.ok ? [block.value] : [];
    });
    actor.tell({ kind: "commits-received", from, commits, blocks, proof, voters });
  }

  #take(actor: ConsensusActor, from: ValidatorId, blocks: VerifiedBlock[]): void {
    for (const block of blocks) this.#traces.received(block);
    const taken = actor.tell({ kind: "blocks-received", from, blocks });
    this.#metrics.received.add(blocks.length, { outcome: taken ? "taken" : "CONSENSUS_BUSY" });
  }

  #open(bytes: Uint8Array): VerifiedBlock | undefined {
    let fault = "CONSENSUS_NO_EPOCH";
    // Newest first: nearly every block is of the present epoch.
    for (const opener of [...this.#openers.values()].reverse()) {
      const opened: Result<VerifiedBlock> = opener.open(bytes);
      if (opened.ok) return opened.value;
      fault = opened.code;
      if (fault !== "CONSENSUS_BLOCK_WrongEpoch") break;
    }
    this.#metrics.received.add(1, { outcome: fault });
    return undefined;
  }

  async #on(type: PeerMessageType, handle: (from: ValidatorId, body: Uint8Array) => void): Promise<void> {
    await this.#bus.subscribe(PeerMessageReceived, { type }, ({ sender, body }) => handle(sender, body));
  }

  #onDecoded<T extends Input, Input>(
    type: PeerMessageType,
    codec: Codec<T, Input>,
    handle: (from: ValidatorId, body: T) => void,
  ): Promise<void> {
    return this.#on(type, (from, bytes) => {
      const decoded = decodeExact<T, Input>(codec, bytes, MAX_BODY_BYTES);
      if (decoded.ok) handle(from, decoded.value);
      else this.#metrics.received.add(1, { outcome: decoded.code });
    });
  }
}

/** The bytes of a request or response body. */
export function bodyOf<T>(codec: Pick<Codec<unknown, T>, "encode">, value: T): Uint8Array {
  return encode(codec, value);
}
