export { openApiDocument } from "./shell/document.ts";
export { service } from "./shell/service.ts";
