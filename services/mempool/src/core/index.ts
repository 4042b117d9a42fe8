export { type Batch, BatchBook, type BatchKey, type Stored } from "./batch-book.ts";
export { MEMPOOL_REFUSALS, type MempoolRefusal } from "./codes.ts";
export { DEPARTURES, type Departure, type DepartureReason } from "./departure.ts";
export { type Inspected, inspect } from "./inspect.ts";
export { DEFAULT_LIMITS, minimumTip, type PoolLimits } from "./limits.ts";
export { type Division, dividePartitions, type Owners } from "./partitions.ts";
export { type AccountFacts, type Admission, type Admitted, TransactionPool } from "./pool.ts";
export type { Waiting } from "./waiting.ts";
