import { err, type Result, SomaError } from "@soma/base";
import { AdmitPeer } from "@soma/contracts";
import { nativeVerifier } from "@soma/crypto/native";
import { NkeyPair } from "@soma/runtime/nkey";
import { admissionSigningBytes, answerSigningBytes } from "../core/admission-bytes.ts";
import type { DialTarget } from "../core/link-plan.ts";
import type { Operator } from "./operator.ts";

/** A credential for another operator's edge. */
export interface EdgePass {
  readonly jwt: string;
  readonly seed: Uint8Array;
  readonly address: string;
  readonly certificateAuthorities: string | null;
  readonly expiresAtMs: number;
}

export interface AdmissionOptions {
  readonly us: Operator;
  readonly chainId: string;
  /** Reaches no address within the own network. */
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 3000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Asks a gateway for admission to its operator's edge, and checks that the operator itself answered.
 * @param key of the operator on the roster
 * @throws SomaError with the gateway's code, ADDRESS_INTERNAL, DIAL_UNREACHABLE, DIAL_ANSWER (not an answer), DIAL_FORGED (not signed by
 * the operator)
 */
export async function requestAdmission(
  target: DialTarget,
  key: Uint8Array,
  { us, chainId, fetch, signal }: AdmissionOptions,
): Promise<EdgePass> {
  const user = NkeyPair.create("user");
  const userKey = user.getPublicKey();
  const issuedAtMs = Date.now();
  const request = { operator: target.operator, peer: us.id, userKey, issuedAtMs };
  const answered = await post(
    `${target.gateway}/v1/edge/admissions`,
    AdmitPeer.encode({
      peer: us.id,
      userKey,
      issuedAtMs,
      signature: us.key.sign(admissionSigningBytes(chainId, request)),
    }),
    { fetch, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) },
  );
  const answer = answered.ok ? AdmitPeer.reply.decode(answered.value) : answered;
  if (!answer.ok) throw new SomaError(answer.code, answer.message);
  const { signature, ...fields } = answer.value;
  const signed = answerSigningBytes(chainId, { ...fields, peer: us.id, userKey });
  if (fields.operator !== target.operator || !nativeVerifier.ed25519(key, signed, signature))
    throw new SomaError("DIAL_FORGED", `${target.gateway} answered what its operator did not sign`);
  const { jwt, address, certificateAuthorities, expiresAtMs } = fields;
  return { jwt, seed: user.getSeed(), address, certificateAuthorities, expiresAtMs };
}

async function post(
  url: string,
  body: Uint8Array,
  { fetch, signal }: Pick<AdmissionOptions, "fetch" | "signal">,
): Promise<Result<Uint8Array>> {
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Uint8Array(body),
      redirect: "error",
      signal,
    });
    bytes = await readBounded(response);
  } catch (cause) {
    if (cause instanceof SomaError) throw cause;
    throw new SomaError("DIAL_UNREACHABLE", `no answer from ${url}`, {}, { cause });
  }
  return response.ok ? { ok: true, value: bytes } : refusal(response.status, bytes);
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new SomaError("DIAL_ANSWER", "the answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A gateway's problem names its code; only what looks like one is believed. */
function refusal(status: number, bytes: Uint8Array): Result<Uint8Array> {
  try {
    const { code } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,47}$/.test(code))
      return err(code, `refused with status ${status}`);
  } catch {
    // No JSON: the status alone tells.
  }
  return err("DIAL_REFUSED", `refused with status ${status}`);
}
