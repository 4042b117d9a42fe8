import { bytesEqual, err, ok, type Result } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import {
  type Address,
  type Amount,
  decodeSignedHeader,
  headerSigningBytes,
  type Parameters,
  type ValidatorId,
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
  /** Two signed headers or checkpoints, encoded. */
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
  const { chainId, verifier } = evidence;
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
  const { validator } = member;
  const amount = punishAuthor(store, evidence, { validator, epoch: a.epoch });
  return amount === null ? err("EVIDENCE_KNOWN", "punished already") : ok({ validator, amount });
}

/** Slashes and bans who signed two things of one place in an epoch; null if it was punished for this epoch or a later one. */
export function punishAuthor(
  store: KeyedStore,
  { parameters, sender }: Equivocation,
  { validator, epoch }: { readonly validator: ValidatorId; readonly epoch: bigint },
): Amount | null {
  const record = validators.get(store, validator);
  if (record === undefined) return 0n;
  if (record.equivocated !== null && record.equivocated >= epoch) return null;
  validators.put(store, { ...record, banned: true, equivocated: epoch }, validator);
  return slashStake(store, parameters, {
    role: "validator",
    operator: validator,
    bps: parameters.slashEquivocationBps,
    cap: null,
    epoch,
    bringer: sender,
  });
}
