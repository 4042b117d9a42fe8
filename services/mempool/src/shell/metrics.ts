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
    departed: metrics.counter("mempool.transactions.departed", {
      unit: "{transaction}",
      doc: "Accepted transactions that left unexecuted, by reason.",
    }),
    restored: metrics.counter("mempool.transactions.restored", {
      unit: "{transaction}",
      doc: "Accepted transactions that were loaded with a partition.",
    }),
    waiting: metrics.gauge("mempool.waiting", { unit: "{transaction}", doc: "Transactions that wait." }),
    bytes: metrics.gauge("mempool.bytes", { unit: "By", doc: "Bytes that wait." }),
    senders: metrics.gauge("mempool.senders", { unit: "{sender}", doc: "Senders of what waits." }),
    minimumTip: metrics.gauge("mempool.minimum_tip", {
      unit: "{base_unit}",
      doc: "Least tip that is admitted at the present fill.",
    }),
    partitions: metrics.gauge("mempool.partitions", {
      unit: "{partition}",
      doc: "Partitions of the senders that this replica has.",
    }),
    replicas: metrics.gauge("mempool.replicas", { unit: "{replica}", doc: "Replicas that live." }),
  };
}
export type MempoolMetrics = ReturnType<typeof mempoolMetrics>;
