export { MEMPOOL_REFUSALS, type MempoolRefusal } from "./codes.ts";
export { type Inspected, inspect } from "./inspect.ts";
export { DEFAULT_LIMITS, minimumTip, type PoolLimits } from "./limits.ts";
export { type AccountFacts, type Admission, TransactionPool, type Waiting } from "./pool.ts";
