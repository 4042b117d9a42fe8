import { createHash } from "node:crypto";
import type { LtExpand } from "../lt-hash.ts";

/** SHAKE128 by OpenSSL, for `LtHash`: the same bytes as the one in JavaScript, in an eighth of the time. */
export const ltExpandNative: LtExpand = (...parts) => {
  const hash = createHash("shake128", { outputLength: 2048 });
  for (const part of parts) hash.update(part);
  return hash.digest();
};
