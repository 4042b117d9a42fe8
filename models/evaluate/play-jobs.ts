import { createHash } from "node:crypto";
import { SomaError, toHex } from "@soma/base";
import { encode } from "@soma/codec";
import { doubledRanks, type JobEvaluation } from "@soma/embedding";
import { EmbeddingBlobCodec, evaluateReveals } from "@soma/protocol";
import { CHAIN_ID, MASK_SETTINGS, type RevealedItem } from "./embed-items.ts";
import type { Encoder } from "./encoders.ts";
import { vectorAt } from "./space.ts";

/** What one encoder reveals of all items. */
export interface Embedded {
  readonly encoder: Encoder;
  readonly items: readonly RevealedItem[];
}

/** One encoder over all jobs. */
export interface EncoderRecord {
  readonly name: string;
  /** Mean differential loss in [0, 2] over the items that passed the gates (DIFF-1); NaN if none did. */
  readonly meanLoss: number;
  /** Mean local outlier factor over the same items (OUTLIER-1); NaN if none did. */
  readonly meanFactor: number;
  /** Mean place by SCORE-1's composite in the jobs, 1 = best. */
  readonly meanRank: number;
  /** Share of the jobs won. */
  readonly won: number;
  /** Share of the items outside SPACE-2's bands or DIFF-2's dispersion. */
  readonly gated: number;
  /** Share of the items disqualified as outliers. */
  readonly outliers: number;
  /** Loss of each item, NaN where a gate refused it. */
  readonly losses: readonly number[];
}

export interface PlayedJobs {
  readonly jobs: number;
  /** Jobs without a winner. */
  readonly withoutWinner: number;
  /** The final vector of each item (WEIGHT-1). */
  readonly finals: readonly Int16Array[];
  readonly records: readonly EncoderRecord[];
}

export interface PlayOptions {
  readonly itemsPerJob: number;
  readonly meanNormSquared: bigint;
  readonly onProgress?: (done: number, total: number) => void;
}

interface Tally {
  readonly losses: number[];
  factors: number;
  rank: number;
  won: number;
  gated: number;
  outliers: number;
}

/**
 * All items in batches, each a job in which every encoder was chosen and revealed (GAME-7). The order of receipts
 * turns by one from job to job, so that latency favours nobody.
 */
export function playJobs(embedded: readonly Embedded[], options: PlayOptions): PlayedJobs {
  const count = embedded[0]!.items.length;
  const { itemsPerJob, meanNormSquared, onProgress } = options;
  const tallies = new Map(
    embedded.map(({ encoder }): [string, Tally] => [
      encoder.id,
      { losses: [], factors: 0, rank: 0, won: 0, gated: 0, outliers: 0 },
    ]),
  );
  const finals: Int16Array[] = [];
  const { dimension } = embedded[0]!.encoder.model;
  let jobs = 0;
  let withoutWinner = 0;
  for (let at = 0; at < count; at += itemsPerJob) {
    const items = (of: Embedded) => of.items.slice(at, at + itemsPerJob);
    const job = createHash("sha256").update(`job ${jobs} of ${itemsPerJob}`).digest("hex");
    const turn = jobs % embedded.length;
    const order = [...embedded.slice(turn), ...embedded.slice(0, turn)];
    const masksOfItem = items(embedded[0]!).map(({ masks }) => masks.length);
    const evaluated = evaluateReveals({
      chainId: CHAIN_ID,
      job,
      // No ledger stands behind the job, so its own id names what a ledger would hold.
      selection: job,
      bundle: job,
      beacon: toHex(MASK_SETTINGS.beacon),
      dimension,
      masksOfItem,
      meanNormSquared,
      reveals: embedded.map((of) => ({
        encoder: of.encoder.id,
        blob: encode(EmbeddingBlobCodec, { job, encoder: of.encoder.id, dimension, items: items(of) }),
      })),
      selected: order.map(({ encoder }) => encoder.id),
    });
    if (!evaluated.ok) throw new SomaError(evaluated.code, evaluated.message);
    const { evaluation, finals: bytes } = evaluated.value;
    tally(evaluation, tallies);
    if (evaluation.winner === null) withoutWinner++;
    for (const item of masksOfItem.keys()) {
      finals.push(bytes.length === 0 ? new Int16Array(dimension) : vectorAt(bytes, item, dimension));
    }
    jobs++;
    onProgress?.(finals.length, count);
  }
  const records = embedded.map(({ encoder }) => recordOf(encoder.name, tallies.get(encoder.id)!, jobs));
  return { jobs, withoutWinner, finals, records };
}

function tally(evaluation: JobEvaluation, tallies: ReadonlyMap<string, Tally>): void {
  const { encoders, items, winner } = evaluation;
  const ranks = doubledRanks(encoders.map(({ composite }) => composite));
  for (const [i, { id }] of encoders.entries()) {
    const mine = tallies.get(id)!;
    mine.rank += ranks[i]! / 2;
    if (winner === id) mine.won++;
    for (const { verdicts, lossesPpb, factorsMicro } of items) {
      const verdict = verdicts[i]!;
      if (verdict === "qualified" || verdict === "outlier") {
        mine.losses.push(Number(lossesPpb[i]!) / 1e9);
        mine.factors += factorsMicro[i]! / 1e6;
        if (verdict === "outlier") mine.outliers++;
      } else {
        mine.losses.push(Number.NaN);
        mine.gated++;
      }
    }
  }
}

function recordOf(name: string, mine: Tally, jobs: number): EncoderRecord {
  const items = mine.losses.length;
  const passed = mine.losses.filter((loss) => !Number.isNaN(loss));
  return {
    name,
    meanLoss: passed.reduce((sum, loss) => sum + loss, 0) / passed.length,
    meanFactor: mine.factors / passed.length,
    meanRank: mine.rank / jobs,
    won: mine.won / jobs,
    gated: mine.gated / items,
    outliers: mine.outliers / items,
    losses: mine.losses,
  };
}
