export { type JobToDraw, ShardBook } from "./shard-book.ts";
