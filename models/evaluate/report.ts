import type { Correlation, Findings } from "./evaluate.ts";
import type { Estimate } from "./statistics.ts";

/** The findings as Markdown tables, with what they mean in plain words. */
export function report(findings: Findings): string {
  return [
    `${findings.heldOut}: ${findings.queries} queries over ${findings.documents} documents; jobs of at most ` +
      `${findings.itemsPerJob} items; 95 % bootstrap intervals over queries, seed ${findings.seed}.`,
    table(
      ["", "recall@10", "usage", "kind-of"],
      [
        ["TF-IDF", range(findings.tfIdf), ...kinds(findings.tfIdfByKind)],
        ["median single encoder", range(findings.medianSingle), "", ""],
        ["**pooled final vector**", range(findings.pooled), ...kinds(findings.pooledByKind)],
        ["pooled, the bag of words among the encoders", range(findings.pooledWithBag), "", ""],
      ],
    ),
    table(
      ["paired difference", "recall@10"],
      [
        ["pooled - TF-IDF", signed(findings.differences.pooledMinusTfIdf)],
        ["pooled - median single", signed(findings.differences.pooledMinusMedianSingle)],
        ["pooled - bag of words", signed(findings.differences.pooledMinusBag)],
        ["pooled with the bag - pooled", signed(findings.differences.pooledWithBagMinusPooled)],
      ],
    ),
    models(findings),
    words(findings)
      .map((line) => `* ${line}`)
      .join("\n"),
  ].join("\n\n");
}

function models(findings: Findings): string {
  const { encoders, withBag } = findings.scoring;
  const rows = [...findings.encoders, findings.bagOfWords].map((model, i) => {
    const alone = encoders[i];
    const attacked = withBag[i]!;
    const scores = alone ?? attacked;
    return [
      alone === undefined ? `*${model.name}*` : model.name,
      range(model.recall),
      ...kinds(model.recallByKind),
      model.anchorCosine.toFixed(3),
      scores.meanLoss.toFixed(5),
      scores.meanFactor.toFixed(3),
      alone?.meanRank.toFixed(2) ?? "-",
      alone === undefined ? "-" : percent(alone.won),
      attacked.meanRank.toFixed(2),
      percent(attacked.won),
      percent(scores.gated, 2),
      percent(scores.outliers, 2),
      model.lossAndHit.toFixed(2),
    ];
  });
  const heads = ["encoder", "recall@10", "usage", "kind-of", "anchor cosine", "mean DL", "mean LOF"];
  const scoring = ["mean rank", "won", "mean rank, bag among them", "won, bag among them"];
  return table([...heads, ...scoring, "gated", "outlier", "DL ~ found"], rows);
}

function words(findings: Findings): string[] {
  const { differences, lossAndRecall, scoring, bagOfWords } = findings;
  const most = [...scoring.encoders].sort((a, b) => b.won - a.won)[0]!;
  const mostWithBag = [...scoring.withBag].sort((a, b) => b.won - a.won)[0]!;
  const finder = [...findings.encoders].sort((a, b) => b.recall.value - a.recall.value)[0]!;
  const recallOf = (name: string) => findings.encoders.find((model) => model.name === name)!.recall.value;
  const wonBy = (name: string) => scoring.encoders.find((scores) => scores.name === name)!.won;
  const bag = scoring.withBag.at(-1)!;
  const refused = Math.max(...scoring.encoders.map(({ gated }) => gated));
  const outlier = Math.max(...scoring.encoders.map(({ outliers }) => outliers));
  return [
    `The pooled vector against TF-IDF: ${verdict(differences.pooledMinusTfIdf)}`,
    `The pooled vector against the median single encoder: ${verdict(differences.pooledMinusMedianSingle)}`,
    `Differential loss and quality over the encoders: ${correlation(lossAndRecall.encoders)}; with the bag of words ` +
      `${correlation(lossAndRecall.withBag)}.`,
    `The encoder with the best recall, ${finder.name} (${finder.recall.value.toFixed(3)}), wins ` +
      `${percent(wonBy(finder.name))} of the jobs; the one that wins most, ${most.name} (${percent(most.won)}), has ` +
      `recall ${recallOf(most.name).toFixed(3)}.`,
    `The trained bag of words has loss ${bag.meanLoss.toFixed(5)}, factor ${bag.meanFactor.toFixed(3)} and anchor ` +
      `cosine ${bagOfWords.anchorCosine.toFixed(3)}; it is an outlier in ${percent(bag.outliers, 2)} of the items and ` +
      `wins ${percent(bag.won)} of the jobs it is in (most won: ${mostWithBag.name}, ${percent(mostWithBag.won)}). Letting it in, ` +
      `for the pooled vector: ${verdict(differences.pooledWithBagMinusPooled)}`,
    `The gates refuse an encoder at most ${percent(refused, 2)} of the items, outliers are at most ` +
      `${percent(outlier, 2)}, and ${scoring.withoutWinner} of ${scoring.jobs} jobs had no winner.`,
  ];
}

function verdict(difference: Estimate): string {
  const text = signed(difference);
  if (difference.low > 0) return `better, clear of zero (${text}).`;
  if (difference.high < 0) return `worse, clear of zero (${text}).`;
  return `no difference that this set shows (${text}).`;
}

/** |r| that 5 % of uncorrelated samples of `n` normal pairs exceed, from Student's t. */
const CRITICAL: Readonly<Record<number, number>> = { 6: 0.81, 7: 0.75, 8: 0.71, 9: 0.67, 10: 0.63 };

function correlation({ pearson, spearman, models }: Correlation): string {
  const figures = `Pearson ${plus(pearson, 2)}, Spearman ${plus(spearman, 2)}, n = ${models}`;
  const critical = CRITICAL[models];
  if (critical === undefined) return figures;
  if (Math.abs(pearson) < critical) {
    return `${figures}: no correlation that ${models} models could show (|r| >= ${critical} would be)`;
  }
  return `${figures}: a ${pearson < 0 ? "lower" : "higher"} loss goes with better recall`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function kinds(byKind: Readonly<Record<string, number>>): string[] {
  return ["usage", "kind-of"].map((kind) => byKind[kind]?.toFixed(3) ?? "-");
}

function range({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

function signed({ value, low, high }: Estimate): string {
  return `${plus(value, 3)} [${plus(low, 3)}, ${plus(high, 3)}]`;
}

function plus(value: number, digits: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)}%`;
}
