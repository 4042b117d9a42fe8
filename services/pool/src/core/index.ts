export { type PoolHit, PoolIndex, type RecordedJob } from "./pool-index.ts";
