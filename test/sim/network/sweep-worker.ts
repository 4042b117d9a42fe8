import { parentPort } from "node:worker_threads";
import { NETWORK_MUTANTS } from "./mutants.ts";
import { type NetworkOptions, type NetworkResult, simulateNetwork } from "./simulate-network.ts";

/** One run that a worker is asked for; a mutant by its name. */
export interface SweepTask {
  readonly options: NetworkOptions;
  readonly mutant?: string;
}

export type SweepAnswer = Omit<NetworkResult, "failure"> & { readonly failure: string };

parentPort?.on("message", ({ options, mutant }: SweepTask) => {
  const deviation = NETWORK_MUTANTS.find(({ name }) => name === mutant)?.deviation();
  const answer: SweepAnswer = simulateNetwork(deviation === undefined ? options : { ...options, deviation });
  parentPort?.postMessage(answer);
});
