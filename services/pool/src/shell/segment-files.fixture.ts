import { Rng } from "@soma/base";
import { VectorTable } from "../core/index.ts";
import { provideSegment } from "./segment-files.ts";

/** A table of clustered vectors, some of them zero, the same in every process. */
export function clusteredTable(rows: number, dimension = 32): VectorTable {
  const rng = new Rng(7);
  const draw = (spread: number) => Math.round((rng.float() + rng.float() + rng.float() - 1.5) * spread);
  const centres = Array.from({ length: 12 }, () => Array.from({ length: dimension }, () => draw(1000)));
  const table = new VectorTable({ dimension, rotation: null });
  for (let row = 0; row < rows; row++) {
    const centre = centres[row % centres.length]!;
    const isZero = row % 50 === 49;
    const vector = Int16Array.from(centre, (x) => (isZero ? 0 : x + draw(300)));
    table.append(row, vector, { epoch: 0, submitter: 0, modality: 0 });
  }
  return table;
}

if (import.meta.main) {
  const [folder, rows] = [process.argv[2]!, Number(process.argv[3])];
  const file = await provideSegment(folder, clusteredTable(rows), { from: 0, to: rows });
  console.log(file.sha256);
}
