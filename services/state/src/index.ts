export { service } from "./shell/service.ts";
