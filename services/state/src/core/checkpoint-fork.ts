import { bytesEqual, err, ok, type Result } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import {
  type Amount,
  bitmapIndices,
  type CertifiedCheckpoint,
  CertifiedCheckpointCodec,
  CheckpointCodec,
  checkpointSigningBytes,
  type ValidatorId,
} from "@soma/protocol";
import { type Equivocation, punishAuthor } from "./equivocation.ts";
import { epochs } from "./records.ts";
import type { KeyedStore } from "./store.ts";
import { numberKey } from "./table.ts";

/** More than any checkpoint with the bitmap of the largest committee has. */
const MAX_CHECKPOINT_BYTES = 1024;

/**
 * CONS-13: two different checkpoints of one sequence number and epoch, each signed by some of the committee, one or more;
 * a certificate is such a statement. Whoever signed both is slashed and banned as for two blocks of a slot, but not twice
 * for an epoch. Returns what each lost. Refusals: EVIDENCE_MALFORMED, EVIDENCE_SLOT, EVIDENCE_SIGNATURE, EVIDENCE_KNOWN.
 */
export function punishCheckpointFork(
  store: KeyedStore,
  evidence: Equivocation,
): Result<readonly { readonly validator: ValidatorId; readonly amount: Amount }[]> {
  const { chainId, verifier } = evidence;
  const first = decodeExact(CertifiedCheckpointCodec, evidence.first, MAX_CHECKPOINT_BYTES);
  const second = decodeExact(CertifiedCheckpointCodec, evidence.second, MAX_CHECKPOINT_BYTES);
  if (!first.ok || !second.ok) return err("EVIDENCE_MALFORMED", "not two signed checkpoints");
  const [a, b] = [first.value.checkpoint, second.value.checkpoint];
  if (a.epoch !== b.epoch || a.sequence !== b.sequence) {
    return err("EVIDENCE_SLOT", "the checkpoints are of different places");
  }
  if (bytesEqual(encode(CheckpointCodec, a), encode(CheckpointCodec, b))) {
    return err("EVIDENCE_SLOT", "the checkpoints are the same");
  }
  const committee = epochs.get(store, numberKey(a.epoch))?.committee;
  if (committee === undefined) return err("EVIDENCE_SLOT", "the epoch is not kept");
  const signers = [first.value, second.value].map((statement) =>
    bitmapIndices(statement.signers, committee.length),
  );
  const both: number[][] = [];
  for (const indices of signers) {
    if (!indices.ok) return err("EVIDENCE_MALFORMED", indices.message);
    both.push(indices.value);
  }
  const culprits = both[0]!.filter((index) => both[1]!.includes(index));
  if (culprits.length === 0) return err("EVIDENCE_SLOT", "nobody signed both");
  const isSigned = ({ checkpoint, aggregateSignature }: CertifiedCheckpoint, indices: readonly number[]) =>
    verifier.bls(
      indices.map((index) => committee[index]!.blsKey),
      checkpointSigningBytes(chainId, checkpoint),
      aggregateSignature,
    );
  if (!isSigned(first.value, both[0]!) || !isSigned(second.value, both[1]!)) {
    return err("EVIDENCE_SIGNATURE", "a checkpoint is not signed by those whom it names");
  }
  const punished = culprits.flatMap((index) => {
    const { validator } = committee[index]!;
    const amount = punishAuthor(store, evidence, { validator, epoch: a.epoch });
    return amount === null ? [] : [{ validator, amount }];
  });
  return punished.length > 0 ? ok(punished) : err("EVIDENCE_KNOWN", "all of them are punished already");
}
