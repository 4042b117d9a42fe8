import { Rng, toHex, u32be, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import { type EpochInfo, initialParameters, type Parameters, type RosterEntry, TOKEN } from "@soma/protocol";
import type { GameContext, GameEffect, Job } from "@soma/state/core";
import { type CheapKey, CheapSignatures } from "./cheap-signatures.ts";
import { DIMENSION } from "./vectors.ts";

export const CHAIN = "game";
export const ENCODERS = 12;
export const STAKE = 100n * TOKEN;
/** Base fee of a transaction, so that posting is not free. */
export const BASE_FEE = 1_000n;

export const GAME_PARAMETERS: Parameters = {
  ...initialParameters("devnet"),
  embeddingDimension: DIMENSION,
  selectTimeout: 24,
  revealTimeout: 12,
  proofTimeout: 12,
};

export interface Player {
  readonly id: string;
  readonly messageKey: CheapKey;
  readonly blsKey: CheapKey;
  /** Error of its vectors relative to their norm. */
  readonly noise: number;
}

/** Money of everybody in one game, and a clock. Total money never changes. */
export class World {
  readonly signatures = new CheapSignatures();
  readonly players: readonly Player[];
  readonly submitter = toHex(sha256(utf8("submitter")));
  readonly session: CheapKey;
  readonly epoch: EpochInfo;
  readonly balances = new Map<string, bigint>();
  readonly stakes = new Map<string, bigint>();
  recyclable = 0n;
  commit = 10n;
  readonly slashes: { encoder: string; cause: string; amount: bigint }[] = [];
  readonly proven: { winner: string; burned: bigint }[] = [];
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.session = this.signatures.key("session", 32);
    this.players = Array.from({ length: ENCODERS }, (_, i) => ({
      id: toHex(sha256(utf8(`encoder ${i}`))),
      messageKey: this.signatures.key(`message ${i}`, 32),
      blsKey: this.signatures.key(`bls ${i}`, 48),
      noise: 0.1 + 0.03 * i,
    }));
    this.balances.set(this.submitter, 1_000n * TOKEN);
    for (const player of this.players) {
      this.balances.set(player.id, TOKEN);
      this.stakes.set(player.id, STAKE);
    }
    const roster: RosterEntry[] = this.players
      .map((player) => ({
        encoder: player.id,
        stake: STAKE,
        messageKey: player.messageKey.publicKey,
        blsKey: player.blsKey.publicKey,
        asks: [{ modality: 0, pricePerByte: 1n, tokenizer: "00".repeat(32) }],
      }))
      .sort((a, b) => (a.encoder < b.encoder ? -1 : 1));
    this.epoch = {
      epoch: 0n,
      startTimestampMs: 0n,
      lastCommit: 0n,
      seed: "00".repeat(32),
      lastBlock: "00".repeat(32),
      committee: [],
      roster,
      prices: [1n, 0n, 0n, 0n],
      baseFee: BASE_FEE,
      protocolVersion: 1,
      parameters: "00".repeat(32),
    };
  }

  rng(label: string): Rng {
    const hash = sha256(utf8(label), u32be(this.seed >>> 0));
    return new Rng(new DataView(hash.buffer, hash.byteOffset).getUint32(0));
  }

  context(): GameContext {
    return {
      chainId: CHAIN,
      parameters: GAME_PARAMETERS,
      verifier: this.signatures,
      commit: this.commit,
      beacon: toHex(sha256(utf8("beacon"), u32be(this.seed >>> 0), u32be(Number(this.commit)))),
      epoch: this.epoch,
    };
  }

  balanceOf(account: string): bigint {
    return this.balances.get(account) ?? 0n;
  }

  credit(account: string, amount: bigint): void {
    this.balances.set(account, this.balanceOf(account) + amount);
  }

  chargeFee(account: string): void {
    this.credit(account, -BASE_FEE);
    this.recyclable += BASE_FEE;
  }

  /** Carries a step's effects out; returns commits at which the job wants to be woken, and whether it is over. */
  carryOut(effects: readonly GameEffect[]): { wakes: bigint[]; over: boolean } {
    const wakes: bigint[] = [];
    let over = false;
    for (const effect of effects) {
      if (effect.kind === "pay") this.credit(effect.to, effect.amount);
      else if (effect.kind === "burn") this.recyclable += effect.amount;
      else if (effect.kind === "wake") wakes.push(effect.commit);
      else if (effect.kind === "forget") over = true;
      else if (effect.kind === "proven") this.proven.push(effect);
      else if (effect.kind === "slash") this.#slash(effect);
    }
    return { wakes, over };
  }

  #slash(effect: Extract<GameEffect, { kind: "slash" }>): void {
    const stake = this.stakes.get(effect.encoder) ?? 0n;
    const full = (stake * BigInt(effect.bps)) / 10_000n;
    const amount = effect.cap !== null && effect.cap < full ? effect.cap : full;
    this.stakes.set(effect.encoder, stake - amount);
    const share =
      effect.bringer === null ? 0n : (amount * BigInt(GAME_PARAMETERS.evidenceShareBps)) / 10_000n;
    if (effect.bringer !== null) this.credit(effect.bringer, share);
    this.recyclable += amount - share;
    this.slashes.push({ encoder: effect.encoder, cause: effect.cause, amount });
  }

  /** Everything there is: the same before and after any job. */
  total(job: Job | null): bigint {
    let total = this.recyclable + (job?.escrow ?? 0n);
    for (const amount of this.balances.values()) total += amount;
    for (const amount of this.stakes.values()) total += amount;
    return total;
  }

  wealth(account: string): bigint {
    return this.balanceOf(account) + (this.stakes.get(account) ?? 0n);
  }
}
