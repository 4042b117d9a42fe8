import { ok } from "@soma/base";
import { decodeSignedTransaction, transactionDigest } from "@soma/protocol";
import { z } from "zod";
import { wireJson } from "../wire-json.ts";
import { CHAIN_ID } from "./chain.ts";
import { bytes } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

/** LEDGER-2's wire form. The digest is over the bytes as given. */
export const transactionFunctions = {
  "tx.decode": conformanceFunction(z.object({ bytes }), ({ bytes: signed }) => {
    const decoded = decodeSignedTransaction(signed);
    if (!decoded.ok) return decoded;
    const { transaction, authenticator } = decoded.value;
    return ok({
      transaction: wireJson(transaction),
      authenticator: wireJson(authenticator),
      digest: transactionDigest(CHAIN_ID, signed),
    });
  }),
};
