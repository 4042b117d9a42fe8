import {
  type Digest,
  decodeSignedTransaction,
  type SignedTransaction,
  transactionDigest,
  verifyAuthenticator,
} from "@soma/protocol";
import { SIM_CHAIN } from "../consensus/sim-chain.ts";
import { networkVerifier } from "./network-crypto.ts";

/** What any validator finds out about a transaction's bytes. */
export interface CheckedTransaction {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Null if the bytes are none. */
  readonly signed: SignedTransaction | null;
  readonly signatureValid: boolean;
}

/** Checks each transaction once for all simulated validators: the answer is a function of the bytes. */
export class CheckedTransactions {
  readonly #known = new WeakMap<Uint8Array, CheckedTransaction>();

  check(bytes: Uint8Array): CheckedTransaction {
    let checked = this.#known.get(bytes);
    if (checked === undefined) {
      const decoded = decodeSignedTransaction(bytes);
      const signed = decoded.ok ? decoded.value : null;
      const signatureValid = signed !== null && verifyAuthenticator(signed, networkVerifier).ok;
      checked = { bytes, digest: transactionDigest(SIM_CHAIN, bytes), signed, signatureValid };
      this.#known.set(bytes, checked);
    }
    return checked;
  }
}
