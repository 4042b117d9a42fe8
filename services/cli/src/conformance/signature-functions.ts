import { ok, toHex } from "@soma/base";
import { vrfProve } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";
import { z } from "zod";
import { bytes } from "./fields.ts";
import { conformanceFunction } from "./function.ts";

/** More keys than any certificate lists. */
const MAX_KEYS = 4096;

/**
 * RAND-1 and the signature schemes, as the services' verifier decides them: keys, proofs and signatures of a
 * wrong width are invalid like any other.
 */
export const signatureFunctions = {
  "vrf.prove": conformanceFunction(
    z.object({ secret: bytes.refine((secret) => secret.length === 32, "32 bytes"), alpha: bytes }),
    ({ secret, alpha }) => {
      const { proof, beta } = vrfProve(secret, alpha);
      return ok({ proof: toHex(proof), beta: toHex(beta) });
    },
  ),
  "vrf.verify": conformanceFunction(z.object({ public: bytes, alpha: bytes, proof: bytes }), (input) => {
    const beta = nativeVerifier.vrf(input.public, input.alpha, input.proof);
    return ok({ valid: beta !== null, beta: beta === null ? null : toHex(beta) });
  }),
  "signature.ed25519": conformanceFunction(
    z.object({ public: bytes, message: bytes, signature: bytes }),
    (input) => ok({ valid: nativeVerifier.ed25519(input.public, input.message, input.signature) }),
  ),
  "signature.bls": conformanceFunction(
    z.object({ publics: z.array(bytes).max(MAX_KEYS), message: bytes, signature: bytes }),
    ({ publics, message, signature }) => ok({ valid: nativeVerifier.bls(publics, message, signature) }),
  ),
};
