export { domain, sha256, taggedHash } from "./hash.ts";
