export { statusOf } from "./status.ts";
