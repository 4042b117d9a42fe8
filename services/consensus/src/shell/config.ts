import { defineConfig, duration, integer, text } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const ConsensusConfig = defineConfig("consensus", {
  ...OPERATOR_VARIABLES,
  batchInterval: {
    is: duration(),
    default: "20ms",
    doc: "How often the mempool is asked for transactions while it has some. It says when it has.",
  },
  standstillAfter: {
    is: duration(),
    default: "30s",
    doc: "Without a commit for this long the service logs an error and reports a standstill.",
  },
  instance: {
    is: text(),
    default: null,
    doc: "Name of this instance, kept over restarts; needed where two instances of one validator share a machine.",
  },
  leaseDuration: {
    is: duration(),
    default: "5s",
    doc: "How long the active instance may be silent before a standby takes its place.",
  },
  retainEpochs: {
    is: integer({ min: 2, max: 10_000 }),
    default: "8",
    doc: "Closed epochs whose blocks and commits are kept for validators that lag.",
  },
});
