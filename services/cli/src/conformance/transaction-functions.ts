import { ok, toHex } from "@soma/base";
import { decodeSignedTransaction, transactionDigest } from "@soma/protocol";
import { z } from "zod";
import { CHAIN_ID } from "./chain.ts";
import { bytes } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

/**
 * A decoded value as JSON: u64 as decimal strings, bytes as lower-case hex, a variant as {"Name": content}
 * with null for one that has no content.
 */
function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$kind" in value) {
    const name = String(value.$kind);
    const content: unknown = Reflect.get(value, name);
    return { [name]: content === true ? null : toJson(content) };
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJson(field)]));
}

/** LEDGER-2's wire form. The digest is over the bytes as given. */
export const transactionFunctions = {
  "tx.decode": conformanceFunction(z.object({ bytes }), ({ bytes: signed }) => {
    const decoded = decodeSignedTransaction(signed);
    if (!decoded.ok) return decoded;
    const { transaction, authenticator } = decoded.value;
    return ok({
      transaction: toJson(transaction),
      authenticator: toJson(authenticator),
      digest: transactionDigest(CHAIN_ID, signed),
    });
  }),
};
