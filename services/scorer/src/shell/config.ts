import { type Config, defineConfig, duration, integer } from "@soma/config";
import { OPERATOR_VARIABLES, PEER_NETWORKS } from "@soma/identity";

export const ScorerConfig = defineConfig("scorer", {
  data: OPERATOR_VARIABLES.data,
  peerNetworks: PEER_NETWORKS,
  threads: {
    is: integer({ min: 1, max: 256 }),
    default: "1",
    doc: "Evaluations at once, each in a thread of its own.",
  },
  downloads: { is: integer({ min: 1, max: 64 }), default: "8", doc: "Blobs of one job fetched at once." },
  fetchTimeout: { is: duration(), default: "5s", doc: "Time for one blob from one gateway." },
  fetchRounds: {
    is: integer({ min: 1, max: 20 }),
    default: "4",
    doc: "Rounds over the gateways, a quarter of a second apart, before vectors count as missing.",
  },
  redeliverAfter: {
    is: duration(),
    default: "10s",
    doc: "Time after which another worker takes the request of one that died.",
  },
});
export type ScorerConfig = Config<typeof ScorerConfig>;
