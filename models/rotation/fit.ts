// Fits the rotation that brings a vector's strongest directions to the front, and publishes it in models/space:
// node models/rotation/fit.ts
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { squaredNorm, vectorBytes } from "@soma/embedding";
import { EVD, Matrix } from "ml-matrix";
import { ROTATION_ONE } from "../../services/pool/src/core/rotation.ts";
import { loadAnchors } from "../evaluate/space.ts";

const SPACE = join(import.meta.dirname, "../space");
/** Leading dimensions that are served: the least power of two that keeps 99.9 % of the anchors' squared length. */
const KEPT = 0.999;

const { vectors } = loadAnchors();
const dimension = vectors[0]!.length;

// Not centred, as the pool compares by cosine: directions of the vectors, not of their spread about a mean.
const moment = Matrix.zeros(dimension, dimension);
for (const vector of vectors) {
  const weight = 1 / squaredNorm(vector) / vectors.length;
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < dimension; j++) {
      moment.set(i, j, moment.get(i, j) + vector[i]! * vector[j]! * weight);
    }
  }
}
const { realEigenvalues, eigenvectorMatrix } = new EVD(moment, { assumeSymmetric: true });
const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);

let leading = 1;
const kept = (count: number) => order.slice(0, count).reduce((sum, i) => sum + realEigenvalues[i]!, 0);
while (kept(leading) < KEPT) leading *= 2;

const rows = order.map((i) => {
  const direction = eigenvectorMatrix.getColumn(i);
  // A direction and its opposite are the same to the fit; the component that is largest is made positive.
  const largest = direction.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return Int16Array.from(direction, (x) => Math.round(x * Math.sign(largest) * ROTATION_ONE));
});
const bytes = Buffer.concat(rows.map(vectorBytes));
const sha256 = (of: Uint8Array) => createHash("sha256").update(of).digest("hex");
const manifest = {
  dimension,
  leading,
  one: ROTATION_ONE,
  rowsFile: "rotation.bin",
  sha256: sha256(bytes),
  fittedOn: { vectorsFile: "anchors.bin", sha256: sha256(readFileSync(join(SPACE, "anchors.bin"))) },
};
writeFileSync(join(SPACE, "rotation.bin"), bytes);
writeFileSync(join(SPACE, "rotation.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(
  `leading ${leading} of ${dimension} keep ${kept(leading).toFixed(4)} of the anchors' squared length`,
);
for (const count of [8, 16, 32, 64, leading]) console.log(`${count}\t${kept(count).toFixed(4)}`);
console.log(`sha256 ${manifest.sha256}`);
