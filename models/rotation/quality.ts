// What leading dimensions after the published rotation keep, on the held-out set: node models/rotation/quality.ts [--json]
import { displayCosine } from "@soma/embedding";
import { leadingDimensions } from "../../services/pool/src/core/index.ts";
import { loadRotation } from "../../services/pool/src/shell/rotation-file.ts";
import { loadHeldOut } from "../evaluate/held-out.ts";
import { heldOutFinals } from "../evaluate/held-out-finals.ts";
import { vectorHits } from "../evaluate/recall.ts";
import { Bootstrap } from "../evaluate/statistics.ts";

const DEPTH = 10;
const SEED = 1;

const heldOut = loadHeldOut();
const finals = await heldOutFinals(heldOut, { onProgress: (what) => console.error(what) });
const { rotation, sha256 } = loadRotation(`${import.meta.dirname}/../space`);

/** Places of the ten documents nearest to each query, by a double's cosine: ties do not matter to a mean. */
function nearest(queries: readonly Int16Array[], documents: readonly Int16Array[]): Set<number>[] {
  return queries.map((query) => {
    const cosines = documents.map((document) => displayCosine(query, document));
    const order = cosines.map((_, i) => i).sort((a, b) => cosines[b]! - cosines[a]! || a - b);
    return new Set(order.slice(0, DEPTH));
  });
}

const full = nearest(finals.queries, finals.documents);
const rows = new Map<string, number[]>();
rows.set("recall all", vectorHits(heldOut.queries, finals.queries, finals.documents));
const counts = [8, 16, 32, 64, 96, rotation.leading].filter((count) => count <= rotation.leading);
for (const count of counts) {
  const lead = (vectors: readonly Int16Array[]) => vectors.map((v) => leadingDimensions(rotation, v, count));
  const [queries, documents] = [lead(finals.queries), lead(finals.documents)];
  const found = nearest(queries, documents);
  rows.set(
    `overlap ${count}`,
    found.map((set, i) => [...set].filter((place) => full[i]!.has(place)).length / DEPTH),
  );
  rows.set(`recall ${count}`, vectorHits(heldOut.queries, queries, documents));
  console.error(`${count} leading dimensions compared`);
}
const bootstrap = new Bootstrap(rows, SEED);
const estimate = (name: string) => bootstrap.estimate((meanOf) => meanOf(name));
const findings = {
  heldOut: heldOut.name,
  rotation: sha256,
  dimension: rotation.dimension,
  full: { bytes: 2 * rotation.dimension, recall: estimate("recall all") },
  leading: counts.map((count) => ({
    dimensions: count,
    bytes: 2 * count,
    overlap: estimate(`overlap ${count}`),
    recall: estimate(`recall ${count}`),
  })),
};
if (process.argv.includes("--json")) console.log(JSON.stringify(findings, null, 2));
else {
  const show = ({ value, low, high }: { value: number; low: number; high: number }) =>
    `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  console.log(`${findings.heldOut}, ${full.length} queries, rotation ${sha256.slice(0, 16)}\n`);
  console.log("| dimensions | bytes | overlap@10 with all | recall@10 |\n|---|---|---|---|");
  for (const { dimensions, bytes, overlap, recall } of findings.leading) {
    console.log(`| ${dimensions} | ${bytes} | ${show(overlap)} | ${show(recall)} |`);
  }
  console.log(`| ${rotation.dimension}, all | ${findings.full.bytes} | | ${show(findings.full.recall)} |`);
}
