export { service } from "./shell/service.ts";
export { SignerLog } from "./shell/signer-log.ts";
