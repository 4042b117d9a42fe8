export { checkUserKey, type EdgeAccount, issueBridgeJwt, issuePeerJwt } from "./edge-account.ts";
export { ensureOperatorNats, loadEdgeAccount, type OperatorNatsFiles } from "./files.ts";
export {
  createNatsKeys,
  type OperatorNats,
  type OperatorNatsKeys,
  type OperatorNatsOptions,
  operatorNats,
} from "./operator-nats.ts";
