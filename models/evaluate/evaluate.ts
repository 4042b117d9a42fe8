import { utf8 } from "@soma/base";
import { anchors as governedAnchors } from "../../services/cli/src/devnet/governed-files.ts";
import { embedItems, type RevealedItem } from "./embed-items.ts";
import { bagOfWords, type Encoder, shippedEncoders } from "./encoders.ts";
import type { HeldOutSet } from "./held-out.ts";
import { type Embedded, type PlayedJobs, playJobs } from "./play-jobs.ts";
import { tfIdfHits, vectorHits } from "./recall.ts";
import { type Anchors, fullVector, loadAnchors, meanAnchorCosine } from "./space.ts";
import { Bootstrap, type Estimate, type MeanOf, mean, median, pearson, spearman } from "./statistics.ts";

export interface EvaluateOptions {
  readonly heldOut: HeldOutSet;
  /** Seed of the bootstrap. */
  readonly seed: number;
  readonly itemsPerJob: number;
  /** Folder to keep embeddings in, or null. */
  readonly cache: string | null;
  readonly onProgress: (what: string, done: number, total: number) => void;
}

/** What one encoder's jobs say of it; shares in [0, 1]. */
export interface EncoderScores {
  readonly name: string;
  readonly meanLoss: number;
  readonly meanFactor: number;
  readonly meanRank: number;
  readonly won: number;
  readonly gated: number;
  readonly outliers: number;
}

export interface ModelFindings {
  readonly name: string;
  readonly sha256: string;
  readonly recall: Estimate;
  readonly recallByKind: Readonly<Record<string, number>>;
  /** SPACE-1. */
  readonly anchorCosine: number;
  /** Correlation over the queries of a query's and its document's mean loss with being found. */
  readonly lossAndHit: number;
}

export interface Correlation {
  readonly pearson: number;
  readonly spearman: number;
  readonly models: number;
}

/** Everything that a run finds; plain data. */
export interface Findings {
  readonly heldOut: string;
  readonly documents: number;
  readonly queries: number;
  readonly itemsPerJob: number;
  readonly seed: number;
  readonly tfIdf: Estimate;
  readonly tfIdfByKind: Readonly<Record<string, number>>;
  readonly encoders: readonly ModelFindings[];
  readonly bagOfWords: ModelFindings;
  readonly medianSingle: Estimate;
  readonly pooled: Estimate;
  readonly pooledByKind: Readonly<Record<string, number>>;
  readonly pooledWithBag: Estimate;
  readonly differences: {
    readonly pooledMinusTfIdf: Estimate;
    readonly pooledMinusMedianSingle: Estimate;
    readonly pooledMinusBag: Estimate;
    readonly pooledWithBagMinusPooled: Estimate;
  };
  readonly scoring: {
    readonly jobs: number;
    readonly encoders: readonly EncoderScores[];
    readonly withBag: readonly EncoderScores[];
    /** Jobs that nobody won, with the encoders alone. */
    readonly withoutWinner: number;
  };
  /** Mean loss against recall over the models; negative: a lower loss goes with better recall. */
  readonly lossAndRecall: { readonly encoders: Correlation; readonly withBag: Correlation };
}

const TF_IDF = "tf-idf";
const POOLED = "pooled";
const POOLED_WITH_BAG = "pooled with the bag";

/** Embeds the set with every encoder and the bag of words, plays the jobs, and measures what comes of them. */
export async function evaluate(options: EvaluateOptions): Promise<Findings> {
  const { heldOut, seed, itemsPerJob, onProgress } = options;
  const { documents, queries } = heldOut;
  const encoders = shippedEncoders();
  const bag = bagOfWords(encoders);
  const anchors = loadAnchors();
  const texts = [...documents, ...queries.map(({ text }) => text)];
  const all: (Embedded & { readonly anchorCosine: number })[] = [];
  for (const encoder of [...encoders, bag]) all.push(await embedAll(encoder, texts, anchors, options));
  const honest = all.slice(0, encoders.length);

  const { meanNormSquared } = governedAnchors();
  const play = (embedded: readonly Embedded[], what: string): PlayedJobs =>
    playJobs(embedded, {
      itemsPerJob,
      meanNormSquared,
      onProgress: (done, total) => onProgress(what, done, total),
    });
  const plain = play(honest, "jobs of the encoders");
  const attacked = play(all, "jobs with the bag of words");

  const hitsOf = (vectors: readonly Int16Array[]) =>
    vectorHits(queries, vectors.slice(documents.length), vectors.slice(0, documents.length));
  const hits = new Map<string, number[]>([[TF_IDF, tfIdfHits(queries, documents)]]);
  const rankings: [string, () => readonly Int16Array[]][] = [
    ...all.map(({ encoder, items }): [string, () => Int16Array[]] => [
      encoder.name,
      () => items.map(fullVector),
    ]),
    [POOLED, () => plain.finals],
    [POOLED_WITH_BAG, () => attacked.finals],
  ];
  for (const [place, [name, vectors]] of rankings.entries()) {
    hits.set(name, hitsOf(vectors()));
    onProgress("rankings", place + 1, rankings.length);
  }

  const bootstrap = new Bootstrap(hits, seed);
  const names = encoders.map(({ name }) => name);
  const medianOf = (meanOf: MeanOf) => median(names.map(meanOf));
  const single = (name: string) => bootstrap.estimate((meanOf) => meanOf(name));
  const byKind = (name: string) => recallByKind(heldOut, hits.get(name)!);
  const minus = (a: string, b: string) => bootstrap.estimate((meanOf) => meanOf(a) - meanOf(b));
  const recallOf = (name: string) => mean(hits.get(name)!);
  const lossOf = new Map(attacked.records.map(({ name, meanLoss }) => [name, meanLoss]));
  const correlate = (models: readonly string[]): Correlation => {
    const [losses, recalls] = [models.map((name) => lossOf.get(name)!), models.map(recallOf)];
    return { pearson: pearson(losses, recalls), spearman: spearman(losses, recalls), models: models.length };
  };
  const models = all.map(
    ({ encoder, anchorCosine }, i): ModelFindings => ({
      name: encoder.name,
      sha256: encoder.id,
      recall: single(encoder.name),
      recallByKind: byKind(encoder.name),
      anchorCosine,
      lossAndHit: lossAndHit(heldOut, attacked.records[i]!.losses, hits.get(encoder.name)!),
    }),
  );
  return {
    heldOut: heldOut.name,
    documents: documents.length,
    queries: queries.length,
    itemsPerJob,
    seed,
    tfIdf: single(TF_IDF),
    tfIdfByKind: byKind(TF_IDF),
    encoders: models.slice(0, encoders.length),
    bagOfWords: models.at(-1)!,
    medianSingle: bootstrap.estimate(medianOf),
    pooled: single(POOLED),
    pooledByKind: byKind(POOLED),
    pooledWithBag: single(POOLED_WITH_BAG),
    differences: {
      pooledMinusTfIdf: minus(POOLED, TF_IDF),
      pooledMinusMedianSingle: bootstrap.estimate((meanOf) => meanOf(POOLED) - medianOf(meanOf)),
      pooledMinusBag: minus(POOLED, bag.name),
      pooledWithBagMinusPooled: minus(POOLED_WITH_BAG, POOLED),
    },
    scoring: {
      jobs: plain.jobs,
      encoders: plain.records.map(scoresOf),
      withBag: attacked.records.map(scoresOf),
      withoutWinner: plain.withoutWinner,
    },
    lossAndRecall: { encoders: correlate(names), withBag: correlate([...names, bag.name]) },
  };
}

async function embedAll(
  encoder: Encoder,
  texts: readonly string[],
  anchors: Anchors,
  { cache, onProgress }: EvaluateOptions,
): Promise<Embedded & { readonly anchorCosine: number }> {
  const items = [...anchors.texts, ...texts].map(utf8);
  const embedded: RevealedItem[] = await embedItems(encoder, items, {
    cache,
    onProgress: (done, total) => onProgress(`texts by ${encoder.name}`, done, total),
  });
  const count = anchors.texts.length;
  return {
    encoder,
    items: embedded.slice(count),
    anchorCosine: meanAnchorCosine(anchors, embedded.slice(0, count)),
  };
}

function scoresOf({ losses: _, ...scores }: PlayedJobs["records"][number]): EncoderScores {
  return scores;
}

function recallByKind({ queries }: HeldOutSet, hits: readonly number[]): Record<string, number> {
  const kinds = [...new Set(queries.map(({ kind }) => kind))].sort();
  const hitsOf = (kind: string) => hits.filter((_, i) => queries[i]!.kind === kind);
  return Object.fromEntries(kinds.map((kind) => [kind, mean(hitsOf(kind))]));
}

/** `losses` has the documents first, then the queries; queries on which a gate refused the encoder are left out. */
function lossAndHit(
  { documents, queries }: HeldOutSet,
  losses: readonly number[],
  hits: readonly number[],
): number {
  const pairs = queries
    .map(({ relevant }, i) => ({
      loss: (losses[documents.length + i]! + losses[relevant]!) / 2,
      hit: hits[i]!,
    }))
    .filter(({ loss }) => !Number.isNaN(loss));
  return pearson(
    pairs.map(({ loss }) => loss),
    pairs.map(({ hit }) => hit),
  );
}
