import { defineConfig, duration, integer } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const ConsensusConfig = defineConfig("consensus", {
  ...OPERATOR_VARIABLES,
  batchInterval: {
    is: duration(),
    default: "20ms",
    doc: "How often the mempool is asked for transactions while there is room.",
  },
  standstillAfter: {
    is: duration(),
    default: "30s",
    doc: "Without a commit for this long the service logs an error and reports a standstill.",
  },
  retainEpochs: {
    is: integer({ min: 2, max: 10_000 }),
    default: "8",
    doc: "Closed epochs whose blocks and commits are kept for validators that lag.",
  },
});
