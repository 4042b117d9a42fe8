import { concatBytes } from "@soma/base";
import { bcs, bytes32, encode, u64 } from "@soma/codec";
import { domain } from "@soma/crypto";
import type { Hex32 } from "@soma/protocol";

const RequestCodec = bcs.struct("Admission", {
  /** Whose edge. */
  operator: bytes32,
  peer: bytes32,
  userKey: bcs.string(),
  issuedAtMs: u64,
});

const AnswerCodec = bcs.struct("AdmissionAnswer", {
  operator: bytes32,
  peer: bytes32,
  userKey: bcs.string(),
  jwt: bcs.string(),
  address: bcs.string(),
  certificateAuthorities: bcs.option(bcs.string()),
  expiresAtMs: u64,
});

export interface AdmissionRequest {
  readonly operator: Hex32;
  readonly peer: Hex32;
  readonly userKey: string;
  readonly issuedAtMs: number;
}

export interface AdmissionAnswer {
  readonly operator: Hex32;
  readonly peer: Hex32;
  readonly userKey: string;
  readonly jwt: string;
  readonly address: string;
  readonly certificateAuthorities: string | null;
  readonly expiresAtMs: number;
}

/** What a peer signs to be admitted at an operator's edge. */
export function admissionSigningBytes(chainId: string, request: AdmissionRequest): Uint8Array {
  const fields = { ...request, issuedAtMs: BigInt(request.issuedAtMs) };
  return concatBytes(domain("soma.edge-admission", chainId), encode(RequestCodec, fields));
}

/** What the operator signs, so that nobody between can lead the peer to another edge or certificate. */
export function answerSigningBytes(chainId: string, answer: AdmissionAnswer): Uint8Array {
  const fields = { ...answer, expiresAtMs: BigInt(answer.expiresAtMs) };
  return concatBytes(domain("soma.edge-admission.answer", chainId), encode(AnswerCodec, fields));
}
