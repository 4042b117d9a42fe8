import { type Config, choice, defineConfig, duration, integer, list, text } from "@soma/config";
import { OPERATOR_VARIABLES, PEER_NETWORKS } from "@soma/identity";
import { BATCH_LIMITS } from "../core/inference/batch-plan.ts";

export const EncoderConfig = defineConfig("encoder", {
  ...OPERATOR_VARIABLES,
  peerNetworks: PEER_NETWORKS,
  role: {
    is: choice(["all", "actor", "worker"]),
    default: "all",
    doc: "`actor` speaks for the encoder, one at a time; any number of `worker`s infer; `all` is both.",
  },
  model: { is: text(), doc: "Folder of the model: manifest.json and its files." },
  tokenizer: { is: text(), doc: "Folder of the governed tokenizer (MASK-1)." },
  gateways: {
    is: list(),
    default: "",
    doc: "Base URLs of validators' gateways, separated by commas; empty takes those of the genesis file.",
  },
  providers: {
    is: list(),
    default: "cpu",
    doc: "Execution providers in order of preference: cpu, cuda, tensorrt. End with cpu to fall back to it.",
  },
  sessions: { is: integer({ min: 1, max: 64 }), default: "1", doc: "Inference threads, a session each." },
  threadsPerSession: {
    is: integer({ min: 1, max: 256 }),
    default: "1",
    doc: "Threads of one session; more sessions scale better.",
  },
  batchTokens: {
    is: integer({ min: 32, max: 1_048_576 }),
    default: String(BATCH_LIMITS.tokens),
    doc: "Tokens of a batch at most: what a CPU's cache holds. On a GPU take 16384.",
  },
  vectorCopies: {
    is: integer({ min: 1, max: 16 }),
    default: "2",
    doc: "Gateways that revealed vectors are put on.",
  },
  fetchTimeout: { is: duration(), default: "10s", doc: "Time for one blob from one gateway." },
  redeliverAfter: {
    is: duration(),
    default: "10s",
    doc: "Time after which another worker takes the request of one that died.",
  },
  blobAge: {
    is: duration(),
    default: "1h",
    doc: "Time for which items and vectors stay in the blob folder.",
  },
});
export type EncoderConfig = Config<typeof EncoderConfig>;
