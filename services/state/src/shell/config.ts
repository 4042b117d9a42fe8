import { choice, defineConfig, duration, integer } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const StateConfig = defineConfig("state", {
  role: {
    is: choice(["all", "writer", "replica"]),
    default: "all",
    doc: "`writer` executes and signs, one at a time; any number of `replica`s answer questions; `all` is both.",
  },
  keyFile: { ...OPERATOR_VARIABLES.keyFile, default: null, doc: "Path of the key file; a replica has none." },
  genesis: OPERATOR_VARIABLES.genesis,
  verifyThreads: {
    is: integer({ min: 1, max: 64 }),
    default: "1",
    doc: "Threads that check transactions' signatures.",
  },
  resendInterval: {
    is: duration(),
    default: "1s",
    doc: "How often the signature of an uncertified checkpoint is sent again.",
  },
  overrideInterval: {
    is: duration(),
    default: "2s",
    doc: "How often a halted ledger asks its peers for an override.",
  },
  settlementPatience: {
    is: duration(),
    default: "10s",
    doc: "An epoch that rewards does not answer for so long counts as halted; a refusal counts at once.",
  },
  retainUpdates: {
    is: integer({ min: 16, max: 100_000_000 }),
    default: "50000",
    doc: "Checkpoints whose ledger updates are kept for light clients that lag.",
  },
  retainCommits: {
    is: integer({ min: 16, max: 1_000_000_000 }),
    default: "2000000",
    doc: "Commits whose history is kept for event streams and lists; about 250 bytes each.",
  },
});
