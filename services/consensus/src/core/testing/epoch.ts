import { type EpochInfo, initialParameters, type Parameters } from "@soma/protocol";
import type { OpenedEpoch } from "../input.ts";

/** An epoch of validators `01...`, `02...`, ... with the given stakes, for tests. */
export function epochOf(stakes: readonly bigint[], parameters: Partial<Parameters> = {}): OpenedEpoch {
  const committee = stakes.map((stake, i) => ({
    validator: (i + 1).toString(16).padStart(2, "0").repeat(32),
    stake,
    blockKey: new Uint8Array(32).fill(i),
    blsKey: new Uint8Array(48),
    vrfKey: new Uint8Array(32).fill(i),
    edgeAddress: "",
    gatewayAddress: "",
  }));
  const info: EpochInfo = {
    epoch: 0n,
    startTimestampMs: 1_000n,
    lastCommit: 0n,
    seed: "11".repeat(32),
    lastBlock: "00".repeat(32),
    committee,
    roster: [],
    prices: [],
    baseFee: 1n,
    protocolVersion: 1,
    parameters: "00".repeat(32),
  };
  return { info, parameters: { ...initialParameters("devnet"), ...parameters } };
}
