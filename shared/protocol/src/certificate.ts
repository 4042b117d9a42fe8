import { err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import { type CertifiedCheckpoint, checkpointSigningBytes } from "./checkpoint.ts";
import { type EpochInfo, quorumStake } from "./epoch.ts";

/** Indices whose bit is set, lowest bit of the first byte first. Refuses bits at or past `count` and wrong lengths. */
export function bitmapIndices(bitmap: Uint8Array, count: number): Result<number[]> {
  if (bitmap.length !== Math.ceil(count / 8))
    return err("BITMAP_LENGTH", `a bitmap of ${count} has another length`);
  const indices: number[] = [];
  for (let i = 0; i < bitmap.length * 8; i++) {
    if (((bitmap[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    if (i >= count) return err("BITMAP_RANGE", `bit ${i} of a bitmap of ${count} is set`);
    indices.push(i);
  }
  return ok(indices);
}

export function bitmapOf(indices: Iterable<number>, count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (const i of indices) bitmap[i >> 3]! |= 1 << (i & 7);
  return bitmap;
}

/** LEDGER-5, LEDGER-6: signatures of quorum stake of `epoch`'s committee over the checkpoint. */
export function verifyCertificate(
  chainId: string,
  certified: CertifiedCheckpoint,
  epoch: EpochInfo,
  verifier: SignatureVerifier,
): Result<true> {
  if (certified.checkpoint.epoch !== epoch.epoch) {
    return err(
      "CERTIFICATE_EPOCH",
      `checkpoint of epoch ${certified.checkpoint.epoch}, committee of ${epoch.epoch}`,
    );
  }
  const signers = bitmapIndices(certified.signers, epoch.committee.length);
  if (!signers.ok) return signers;
  let stake = 0n;
  let total = 0n;
  for (const member of epoch.committee) total += member.stake;
  for (const i of signers.value) stake += epoch.committee[i]!.stake;
  if (stake < quorumStake(total)) return err("CERTIFICATE_STAKE", `signed by ${stake} of ${total}`);
  const keys = signers.value.map((i) => epoch.committee[i]!.blsKey);
  const message = checkpointSigningBytes(chainId, certified.checkpoint);
  return verifier.bls(keys, message, certified.aggregateSignature)
    ? ok(true)
    : err("CERTIFICATE_SIGNATURE", "the aggregate signature does not verify");
}
