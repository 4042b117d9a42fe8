import type { Telemetry } from "@soma/telemetry";

export function mempoolMetrics({ metrics }: Telemetry) {
  return {
    submitted: metrics.counter("mempool.transactions.submitted", {
      unit: "{transaction}",
      doc: "Transactions offered, by admission or the code of the refusal.",
    }),
    taken: metrics.counter("mempool.transactions.taken", {
      unit: "{transaction}",
      doc: "Transactions given to blocks.",
    }),
    dropped: metrics.counter("mempool.transactions.dropped", {
      unit: "{transaction}",
      doc: "Long-waiting transactions that the ledger does not want any more, by reason.",
    }),
    waiting: metrics.gauge("mempool.waiting", { unit: "{transaction}", doc: "Transactions that wait." }),
    bytes: metrics.gauge("mempool.bytes", { unit: "By", doc: "Bytes that wait." }),
  };
}
export type MempoolMetrics = ReturnType<typeof mempoolMetrics>;
