import { bytesEqual, concatBytes, u32be, utf8 } from "@soma/base";
import { type SignatureVerifier, taggedHash } from "@soma/crypto";

/**
 * Signatures of the simulation: a keyed hash in place of Ed25519 and of the VRF, because a run makes and checks
 * hundreds of thousands. Public and secret key are one, so anybody could forge; the simulated adversaries do not, just as
 * they could not with the real schemes, which have vectors of their own. Everything around them is real: what is
 * signed, when it is checked, and that a changed byte fails.
 */
export interface SimKey {
  readonly key: Uint8Array;
}

export function simKey(name: string): SimKey {
  return { key: taggedHash("sim.key", "sim", utf8(name)) };
}

function expand(tag: string, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let i = 0; 32 * i < length; i++) blocks.push(taggedHash(tag, "sim", u32be(i), ...parts));
  return concatBytes(...blocks).subarray(0, length);
}

export function simSign({ key }: SimKey, message: Uint8Array): Uint8Array {
  return expand("sim.signature", 64, key, message);
}

export function simProve({ key }: SimKey, alpha: Uint8Array): Uint8Array {
  return expand("sim.proof", 80, key, alpha);
}

export const simVerifier: Pick<SignatureVerifier, "ed25519" | "vrf"> = {
  ed25519: (key, message, signature) => bytesEqual(simSign({ key }, message), signature),
  vrf: (key, alpha, proof) =>
    bytesEqual(simProve({ key }, alpha), proof) ? expand("sim.vrf", 64, key, alpha) : null,
};
