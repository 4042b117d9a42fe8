import { fromHex, SomaError } from "@soma/base";
import { verifyEd25519 } from "./ed25519.ts";
import { ED25519_VECTORS } from "./ed25519-vectors.ts";

/**
 * Compares the decisions of the Ed25519 verifier on adversarial signatures with the recorded ones. A validator
 * runs it before it signs anything: with another build of libsodium it could accept what its peers refuse, and
 * fork. About 2 ms. @throws SomaError CRYPTO_SELF_TEST naming the first vector that differs.
 */
export function selfTestEd25519(verify: typeof verifyEd25519 = verifyEd25519): void {
  for (const { name, publicKey, message, signature, valid } of ED25519_VECTORS) {
    if (verify(fromHex(publicKey), fromHex(message), fromHex(signature)) !== valid) {
      throw new SomaError("CRYPTO_SELF_TEST", "the Ed25519 verifier differs from the recorded decisions", {
        vector: name,
        expected: valid,
      });
    }
  }
}
