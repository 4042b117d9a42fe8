export { buildReceipt, type TestReceipt, type TestReceiptOptions } from "./build.ts";
export { type Forgery, forgeFact } from "./forge.ts";
export {
  type CutCheckpoint,
  type JobLedger,
  type LeafPlace,
  proveLeaf,
  TestLedger,
  type TestTransaction,
} from "./ledger.ts";
export {
  payerKey,
  type TestNetwork,
  type TestNetworkOptions,
  type TestOperator,
  testNetwork,
  testSeed,
} from "./network.ts";
export { byteLength } from "./script.ts";
export { type TestBlobOptions, testBlob } from "./vectors.ts";
