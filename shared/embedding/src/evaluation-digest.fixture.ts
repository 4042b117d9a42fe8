import { concatBytes, fromHex, u32be, u64be } from "@soma/base";
import { taggedHash } from "@soma/crypto";
import { ITEM_VERDICTS, type ItemEvaluation, type JobEvaluation, STANDINGS } from "./evaluation.ts";
import { vectorBytes } from "./vector.ts";

/** H("soma.test.evaluation", chain, evaluationBytes): what the encoders of a shard agree on (GAME-7). */
export function evaluationDigest(evaluation: JobEvaluation): Uint8Array {
  return taggedHash("soma.test.evaluation", evaluation.chainId, evaluationBytes(evaluation));
}

/**
 * The canonical bytes of an evaluation; the table is in shared/docs/protocol/evaluation.md. Integers are big
 * endian, encoders in rising order of id, items in order.
 */
export function evaluationBytes(evaluation: JobEvaluation): Uint8Array {
  const { jobSeed, dimension, encoders, items, winner } = evaluation;
  const parts: Uint8Array[] = [jobSeed, u32be(dimension), u32be(items.length), u32be(encoders.length)];
  for (const encoder of encoders) {
    parts.push(
      fromHex(encoder.id),
      Uint8Array.of(STANDINGS.indexOf(encoder.standing)),
      u64be(encoder.lossPpb),
      u64be(encoder.factorMicro),
      u32be(encoder.ranks.loss),
      u32be(encoder.ranks.lof),
      u32be(encoder.ranks.latency),
      u32be(encoder.composite),
      u32be(encoder.percentilePpm),
      u32be(encoder.refusedItems),
    );
  }
  parts.push(winner === null ? Uint8Array.of(0) : concatBytes(Uint8Array.of(1), fromHex(winner)));
  for (const item of items) parts.push(...itemParts(item));
  return concatBytes(...parts);
}

function* itemParts({
  verdicts,
  lossesPpb,
  factorsMicro,
  weights,
  final,
}: ItemEvaluation): Generator<Uint8Array> {
  for (const [i, verdict] of verdicts.entries()) {
    yield Uint8Array.of(ITEM_VERDICTS.indexOf(verdict));
    yield u64be(lossesPpb[i]!);
    yield u64be(factorsMicro[i]!);
    yield u64be(weights[i]!);
  }
  yield Uint8Array.of(final === null ? 0 : 1);
  if (final !== null) yield vectorBytes(final);
}
