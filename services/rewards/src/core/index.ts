export { settleEpoch } from "./settle.ts";
