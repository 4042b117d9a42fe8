import { bytes, defineConfig, duration, integer } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const MempoolConfig = defineConfig("mempool", {
  genesis: OPERATOR_VARIABLES.genesis,
  transactions: {
    is: integer({ min: 1 }),
    default: "20000",
    doc: "Transactions that may wait at one replica.",
  },
  bytes: { is: bytes(), default: "64MiB", doc: "Bytes of transactions that may wait at one replica." },
  senderTransactions: {
    is: integer({ min: 1 }),
    default: "128",
    doc: "Transactions of one sender that may wait.",
  },
  senderBytes: { is: bytes(), default: "2MiB", doc: "Bytes of one sender's transactions that may wait." },
  queueWait: {
    is: duration(),
    default: "1s",
    doc: "Once what comes next for a block has waited so long, what pays no tip is refused for the moment.",
  },
  lease: {
    is: duration(),
    default: "5s",
    doc: "Time after which a transaction taken for a block is offered again.",
  },
  reconcileInterval: {
    is: duration(),
    default: "5s",
    doc: "How often transactions that have waited so long are held against the ledger.",
  },
  verifyWorkers: { is: integer({ min: 1, max: 64 }), default: "1", doc: "Threads that check signatures." },
  heartbeat: {
    is: duration(),
    default: "1s",
    doc: "How often a replica says that it lives and looks for partitions that nobody has.",
  },
  replicaTimeout: {
    is: duration(),
    default: "10s",
    doc: "Time without a heartbeat after which others take a hanging replica's senders; of a dead one, at once.",
  },
  departureAge: {
    is: duration(),
    default: "1h",
    doc: "How long it is told why a transaction left unexecuted.",
  },
});
