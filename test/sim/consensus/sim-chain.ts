import { fromHex, toHex, u64be, utf8 } from "@soma/base";
import {
  type BlockOpener,
  type CommittedSubDag,
  decodeCertifiedBlock,
  type OpenedEpoch,
  type VerifiedBlock,
} from "@soma/consensus/core";
import { taggedHash } from "@soma/crypto";
import {
  type CommitteeMember,
  type EpochInfo,
  epochInfoDigest,
  initialParameters,
  type Parameters,
} from "@soma/protocol";
import { simKey } from "./sim-crypto.ts";

export const SIM_CHAIN = "sim";

/** Ids of `count` validators in the order of the committee. */
export function validatorIds(count: number): string[] {
  return Array.from({ length: count }, (_, i) => toHex(taggedHash("sim.id", SIM_CHAIN, u64be(i)))).sort();
}

/** A network's first epoch. */
export function firstEpoch(
  ids: readonly string[],
  stakes: readonly bigint[],
  startMs: number,
  parameters: Parameters,
): OpenedEpoch {
  const info: EpochInfo = {
    epoch: 0n,
    startTimestampMs: BigInt(startMs),
    lastCommit: 0n,
    seed: toHex(taggedHash("sim.seed", SIM_CHAIN, ...stakes.map((stake) => u64be(stake)))),
    lastBlock: "00".repeat(32),
    committee: ids.map((validator, i) => member(validator, stakes[i]!)),
    roster: [],
    prices: [],
    baseFee: 1n,
    protocolVersion: 1,
    parameters: "00".repeat(32),
  };
  return { info, parameters };
}

/** The parameter table with the constants shrunk, so that short runs reach every limit. */
export function simParameters(overrides: Partial<Parameters>): Parameters {
  return { ...initialParameters("devnet"), ...overrides };
}

function member(validator: string, stake: bigint): CommitteeMember {
  return {
    validator,
    stake,
    blockKey: simKey(`block ${validator}`).key,
    blsKey: new Uint8Array(48),
    vrfKey: simKey(`vrf ${validator}`).key,
    edgeAddress: "",
    gatewayAddress: "",
  };
}

/**
 * What a ledger does for consensus at an epoch's end, as a pure function of the closing commit: it opens the next epoch, in
 * which one validator's stake has changed. The real ledger takes this place in the whole network's simulation.
 */
export function nextEpoch(closed: OpenedEpoch, closing: CommittedSubDag): OpenedEpoch {
  const { info, parameters } = closed;
  const changed = Number(info.epoch) % info.committee.length;
  const committee = info.committee.map((old, i) =>
    i === changed ? { ...old, stake: old.stake + (old.stake >= 10n ? 1n : 0n) } : old,
  );
  return {
    parameters,
    info: {
      ...info,
      epoch: info.epoch + 1n,
      startTimestampMs: closing.commit.timestampMs,
      lastCommit: closing.commit.index,
      seed: closing.beacon,
      lastBlock: closing.commit.leader.digest,
      committee,
    },
  };
}

/** Names an opened epoch together with the commit that closed the one before: what quorum signatures are over. */
export function handoverDigest(opened: OpenedEpoch, lastDigest: string): string {
  const digest = epochInfoDigest(SIM_CHAIN, opened.info);
  return toHex(taggedHash("sim.handover", SIM_CHAIN, fromHex(digest), fromHex(lastDigest)));
}

/** Unique transaction bytes. */
export function simTransaction(author: string, count: number): Uint8Array {
  return utf8(`${author.slice(0, 8)}/${count}`);
}

/**
 * Opens blocks for all simulated validators. Whether bytes are a valid block of an epoch depends on nothing else, so the
 * answer of one validator serves the others, and each block is decoded and checked once.
 */
export class SharedOpener {
  readonly #openers = new Map<bigint, BlockOpener>();
  readonly #opened = new Map<bigint, WeakMap<Uint8Array, VerifiedBlock | string>>();
  readonly #decoded = new WeakMap<Uint8Array, VerifiedBlock | null>();
  readonly #make: (info: EpochInfo) => BlockOpener;

  constructor(make: (info: EpochInfo) => BlockOpener) {
    this.#make = make;
  }

  /** The epoch that bytes claim: the first field of a block. Null if there is not even that. */
  epochOf(bytes: Uint8Array): bigint | null {
    if (bytes.length < 8) return null;
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  /** A block bound by a certified commit, or null. */
  decode(bytes: Uint8Array): VerifiedBlock | null {
    let decoded = this.#decoded.get(bytes);
    if (decoded === undefined) {
      const result = decodeCertifiedBlock(SIM_CHAIN, bytes);
      decoded = result.ok ? result.value : null;
      this.#decoded.set(bytes, decoded);
    }
    return decoded;
  }

  /** The block, or the code of the refusal. */
  open(info: EpochInfo, bytes: Uint8Array): VerifiedBlock | string {
    const cache = this.#opened.get(info.epoch) ?? new WeakMap<Uint8Array, VerifiedBlock | string>();
    this.#opened.set(info.epoch, cache);
    const known = cache.get(bytes);
    if (known !== undefined) return known;
    const opener = this.#openers.get(info.epoch) ?? this.#make(info);
    this.#openers.set(info.epoch, opener);
    const opened = opener.open(bytes);
    const result = opened.ok ? opened.value : opened.code;
    cache.set(bytes, result);
    return result;
  }
}
