import { consensusFunctions } from "./consensus-functions.ts";
import { economyFunctions } from "./economy-functions.ts";
import { embeddingFunctions } from "./embedding-functions.ts";
import type { ConformanceFunction } from "./function.ts";
import { samplingFunctions } from "./sampling-functions.ts";
import { signatureFunctions } from "./signature-functions.ts";
import { transactionFunctions } from "./transaction-functions.ts";

/** The functions of CONFORMANCE.md that exist, by name: each calls the code that the services run. */
export const CONFORMANCE_FUNCTIONS: ReadonlyMap<string, ConformanceFunction> = new Map(
  Object.entries({
    ...consensusFunctions,
    ...samplingFunctions,
    ...embeddingFunctions,
    ...signatureFunctions,
    ...transactionFunctions,
    ...economyFunctions,
  }),
);
