import { bytesEqual, err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  type Address,
  type Amount,
  decodeSignedHeader,
  headerSigningBytes,
  type Parameters,
} from "@soma/protocol";
import { epochs, validators } from "./records.ts";
import { slashStake } from "./stake.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

export interface Equivocation {
  readonly chainId: string;
  readonly parameters: Parameters;
  readonly verifier: SignatureVerifier;
  readonly sender: Address;
  /** Signed headers, encoded. */
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/**
 * CONS-13: two different signed blocks of one author and round. The author is slashed, earns nothing in this epoch
 * and has no seat in the next one. Returns what was slashed. Refusals: EVIDENCE_MALFORMED, EVIDENCE_SLOT,
 * EVIDENCE_SIGNATURE, EVIDENCE_KNOWN.
 */
export function punishEquivocation(
  store: KeyedStore,
  evidence: Equivocation,
): Result<{ validator: Address; amount: Amount }> {
  const { chainId, parameters, verifier } = evidence;
  const first = decodeSignedHeader(evidence.first);
  const second = decodeSignedHeader(evidence.second);
  if (!first.ok || !second.ok) return err("EVIDENCE_MALFORMED", "not two signed headers");
  const [a, b] = [first.value.header, second.value.header];
  if (a.epoch !== b.epoch || a.round !== b.round || a.author !== b.author || a.round === 0) {
    return err("EVIDENCE_SLOT", "the blocks are of different slots");
  }
  if (bytesEqual(evidence.first, evidence.second)) {
    return err("EVIDENCE_SLOT", "the blocks are the same");
  }
  const member = epochs.get(store, numberKey(a.epoch))?.committee[a.author];
  if (member === undefined) return err("EVIDENCE_SLOT", "no such author in a kept epoch");
  for (const { header, signature } of [first.value, second.value]) {
    if (!verifier.ed25519(member.blockKey, headerSigningBytes(chainId, header), signature)) {
      return err("EVIDENCE_SIGNATURE", "a block is not signed by its author");
    }
  }
  const record = validators.get(store, member.validator);
  if (record !== undefined) {
    if (record.equivocated !== null && record.equivocated >= a.epoch) {
      return err("EVIDENCE_KNOWN", "punished already");
    }
    validators.put(store, { ...record, banned: true, equivocated: a.epoch }, member.validator);
  }
  const amount =
    record === undefined
      ? 0n
      : slashStake(store, parameters, {
          role: "validator",
          operator: member.validator,
          bps: parameters.slashEquivocationBps,
          cap: null,
          epoch: a.epoch,
          bringer: evidence.sender,
        });
  return ok({ validator: member.validator, amount });
}
