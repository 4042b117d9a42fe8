import { type Rng, toHex, utf8 } from "@soma/base";
import { sha256 } from "@soma/crypto";
import type { ItemEmbeddings } from "@soma/embedding";
import { dataCommitment, type TransactionKind } from "@soma/protocol";
import { applyToJob, type GameEffect, type Job, payForJob, reachDeadline } from "@soma/state/core";
import {
  type EncoderConduct,
  HONEST_ENCODER,
  HONEST_SUBMITTER,
  type Strategy,
  type SubmitterConduct,
} from "./conduct.ts";
import { EncoderAgent } from "./encoder-agent.ts";
import { SubmitterAgent } from "./submitter-agent.ts";
import { type Datum, drawDatum } from "./vectors.ts";
import { CHAIN, type Player, World } from "./world.ts";

/** What one job did to everybody, in base units of liquid and staked money. */
export interface Played {
  readonly deltas: ReadonlyMap<string, bigint>;
  readonly outcome: string;
  readonly winner: string | null;
  readonly slashes: readonly { encoder: string; cause: string; amount: bigint }[];
  readonly burned: bigint;
  readonly commits: number;
  readonly refusals: readonly string[];
  readonly world: World;
}

export type Transactions = {
  [K in TransactionKind["$kind"]]: Extract<TransactionKind, { $kind: K }>[K &
    keyof Extract<TransactionKind, { $kind: K }>];
};

/** The table on which one job is played: its ledger state, its data, and what was shown off the ledger. */
export class Table {
  readonly world: World;
  readonly datum: Datum;
  readonly dataHash = toHex(sha256(utf8("data")));
  readonly jobSeed = sha256(utf8("job seed"));
  /** Vectors by encoder, with who can have them. */
  readonly served = new Map<string, { vectors: ItemEmbeddings; toAll: boolean }>();
  readonly refusals: string[] = [];
  readonly #wakes = new Set<bigint>();
  job: Job;
  over = false;
  dataIsBad = false;
  /** Probability that a transaction is lost on its way. */
  readonly loss: number;
  readonly #lossRng: Rng;
  burned = 0n;

  constructor(world: World, fee: bigint, loss: number) {
    this.world = world;
    this.loss = loss;
    this.#lossRng = world.rng("loss");
    this.datum = drawDatum(world.rng("datum"));
    const step = payForJob(world.context(), {
      id: toHex(sha256(utf8(`job ${world.seed}`))),
      payer: world.submitter,
      balance: world.balanceOf(world.submitter),
      request: {
        modality: 0,
        dataCommitment: dataCommitment(CHAIN, this.dataHash, world.submitter),
        sizeBytes: fee,
        items: 1,
        sessionKey: world.session.publicKey,
        maxPricePerByte: 1n,
        jobTip: 0n,
      },
    });
    if (!step.ok) throw new Error(step.code);
    world.credit(world.submitter, -step.value.job.escrow);
    world.chargeFee(world.submitter);
    this.job = step.value.job;
    this.#carryOut(step.value.effects);
  }

  /** Sends a transaction; a lost one costs nothing and does nothing. True if it was executed. */
  send<K extends TransactionKind["$kind"]>(sender: string, name: K, value: Transactions[K]): boolean {
    if (this.over || this.#lossRng.chance(this.loss)) return false;
    const kind = { $kind: name, [name]: value } as unknown as TransactionKind;
    this.world.chargeFee(sender);
    const step = applyToJob(this.world.context(), this.job, kind, sender);
    if (!step.ok) {
      this.refusals.push(`${name} ${step.code}`);
      return false;
    }
    this.job = step.value.job;
    this.#carryOut(step.value.effects);
    return true;
  }

  passCommit(): void {
    if (!this.over && this.#wakes.has(this.world.commit)) {
      const step = reachDeadline(this.world.context(), this.job);
      this.job = step.job;
      this.#carryOut(step.effects);
    }
    this.world.commit += 1n;
  }

  #carryOut(effects: readonly GameEffect[]): void {
    const { wakes, over } = this.world.carryOut(effects);
    for (const wake of wakes) this.#wakes.add(wake);
    for (const effect of effects) if (effect.kind === "burn") this.burned += effect.amount;
    if (over) this.over = true;
  }
}

export interface PlayOptions {
  readonly seed: number;
  readonly strategy: Strategy | null;
  readonly fee: bigint;
  /** Probability that any one transaction is lost. */
  readonly loss?: number;
}

/** Plays one job to its end. @throws if money is made or lost, or the job does not end. */
export function playJob({ seed, strategy, fee, loss = 0 }: PlayOptions): Played {
  const world = new World(seed);
  const accounts = [world.submitter, ...world.players.map((player) => player.id)];
  const before = new Map(accounts.map((account) => [account, world.wealth(account)]));
  const total = world.total(null);
  const table = new Table(world, fee, loss);
  const team = new Set(strategy?.team.map((index) => world.players[index]!.id) ?? []);
  const conductOf = (player: Player): EncoderConduct =>
    team.has(player.id) ? { ...HONEST_ENCODER, ...strategy!.encoder } : HONEST_ENCODER;
  const encoders = world.players.map(
    (player, index) =>
      new EncoderAgent(table, player, conductOf(player), team, world.rng(`encoder ${index}`)),
  );
  const submitterConduct: SubmitterConduct = { ...HONEST_SUBMITTER, ...strategy?.submitter };
  const victims = new Set(strategy?.victims.map((index) => world.players[index]!.id) ?? []);
  const submitter = new SubmitterAgent(
    table,
    submitterConduct,
    encoders,
    team,
    victims,
    strategy?.ownsSubmitter ?? false,
  );
  const start = world.commit;
  while (!table.over) {
    if (world.commit - start > 500n) throw new Error(`the job of seed ${seed} does not end`);
    submitter.act();
    for (const encoder of encoders) encoder.act(encoders);
    table.passCommit();
    if (world.total(table.job) !== total) throw new Error(`seed ${seed}: money is not conserved`);
  }
  if (table.job.escrow !== 0n) throw new Error(`seed ${seed}: escrow is left`);
  return {
    deltas: new Map(accounts.map((account) => [account, world.wealth(account) - before.get(account)!])),
    outcome: table.job.outcome,
    winner: table.job.winner,
    slashes: world.slashes,
    burned: table.burned,
    commits: Number(world.commit - start),
    refusals: table.refusals,
    world,
  };
}
