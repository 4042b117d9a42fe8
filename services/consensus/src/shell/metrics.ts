import type { Telemetry } from "@soma/telemetry";

export function consensusMetrics(telemetry: Telemetry) {
  const { metrics } = telemetry;
  return {
    round: metrics.gauge("consensus.round", { unit: "{round}", doc: "The round that the clock is in." }),
    commit: metrics.gauge("consensus.commit", { unit: "{commit}", doc: "Index of the last own commit." }),
    commitAge: metrics.gauge("consensus.commit.age", {
      unit: "s",
      doc: "Time since the last own commit; grows without end in a standstill.",
    }),
    epoch: metrics.gauge("consensus.epoch", { unit: "{epoch}", doc: "The epoch in progress." }),
    proposed: metrics.counter("consensus.blocks.proposed", { unit: "{block}", doc: "Own blocks signed." }),
    received: metrics.counter("consensus.blocks.received", {
      unit: "{block}",
      doc: "Blocks from peers, by whether they were taken or the code of their refusal.",
    }),
    refused: metrics.counter("consensus.inputs.refused", {
      unit: "{input}",
      doc: "Inputs of peers that the core refused, by kind and code: rounds too far ahead, too many blocks that wait.",
    }),
    equivocations: metrics.counter("consensus.equivocations", {
      unit: "{validator}",
      doc: "Validators caught with two blocks of one slot (CONS-13), an epoch.",
    }),
    active: metrics.gauge("consensus.active", {
      unit: "1",
      doc: "1 for the instance that holds the lease, 0 for one that stands by.",
    }),
    syncBatches: metrics.counter("consensus.sync.batches", {
      unit: "{batch}",
      doc: "Batches of certified commits that came from peers (CONS-9).",
    }),
    syncBytes: metrics.counter("consensus.sync.bytes", {
      unit: "By",
      doc: "Bytes of those batches.",
    }),
    signerSync: metrics.histogram("consensus.signer_log.sync", {
      unit: "s",
      doc: "Writing and syncing an own block to the signer log.",
    }),
    step: metrics.histogram("consensus.step.duration", { unit: "s", doc: "One step of the core." }),
    queue: metrics.gauge("consensus.inputs", { unit: "{input}", doc: "Inputs waiting for the core." }),
    held: metrics.gauge("consensus.held", { unit: "{entry}", doc: "Entries in memory by kind (CONS-11)." }),
  };
}
export type ConsensusMetrics = ReturnType<typeof consensusMetrics>;
