import { type Config, defineConfig, integer, text } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const PoolConfig = defineConfig("pool", {
  data: OPERATOR_VARIABLES.data,
  rotation: {
    is: text(),
    default: null,
    doc: "Folder with rotation.json, as models/space; without it no leading dimensions are served.",
  },
  threads: { is: integer({ min: 1, max: 256 }), default: "1", doc: "Threads that scan, one search each." },
  maxVectors: {
    is: integer({ min: 1, max: 100_000_000 }),
    default: "1000000",
    doc: "Vectors held; later ones are left out and counted. Each takes about 3 kB with its place in the index.",
  },
  indexBlock: {
    is: integer({ min: 16, max: 1_048_576 }),
    default: "16384",
    doc: "Vectors of the smallest part of the index; fewer are scanned. The same for all replicas.",
  },
});
export type PoolConfig = Config<typeof PoolConfig>;
