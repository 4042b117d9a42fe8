export { emission, settleEpoch } from "./settle.ts";
