import { concatBytes, err, ok, type Result, toHex, utf8 } from "@soma/base";
import { encode } from "@soma/codec";
import { sha256 } from "@soma/crypto";
import { vectorBytes } from "@soma/embedding";
import {
  type EmbeddingBlob,
  EmbeddingBlobCodec,
  EvaluationResultCodec,
  embeddingDigest,
} from "@soma/protocol";
import { type Evaluated, type EvaluationRequest, evaluateRequest } from "./evaluate-request.ts";

/** A made-up job, and what the encoders of it revealed. */
export interface SelfTestJob {
  readonly request: EvaluationRequest;
  /** In the order of the request's reveals. */
  readonly blobs: readonly Uint8Array[];
}

const CHAIN = "self-test";
const ITEMS = 6;
const MASKS = 8;
const DIMENSION = 128;
/** Noise beside the common part of a vector, of 1000, by encoder. */
const HONEST = [150, 180, 210, 240, 270, 300];
/** `selfTestDigest` of the job, on every machine: scores are integers, or doubles in a stated order (ARITH-3). */
const EXPECTED = "b73b9268c34c75e1b43aae2cbbc390e49948ffe82c4fd70e7a874e33a337255b";

/**
 * Six encoders that agree more or less, one whose vectors are all the same, and one whose are far too long: the answer
 * has a winner, and each gate that leaves somebody out.
 */
export function selfTestJob(): SelfTestJob {
  const job = named("job");
  const encoders = Array.from({ length: HONEST.length + 2 }, (_, i) => named(`encoder ${i}`)).sort();
  const next = numbers(0x50_4d_41);
  const coordinates = (size: number) => Int16Array.from({ length: DIMENSION }, () => next(size));
  const common = Array.from({ length: ITEMS }, () => coordinates(1_000));
  const vectorOf = (at: number, item: number, extra: number): Uint8Array => {
    if (at === HONEST.length) return vectorBytes(new Int16Array(DIMENSION).fill(577));
    const noise = HONEST[at] === undefined ? 100 : HONEST[at] + extra;
    const length = HONEST[at] === undefined ? 30 : 1;
    return vectorBytes(common[item]!.map((x) => length * (x + next(noise))));
  };
  const blobs = encoders.map((encoder, at) => {
    const several = (item: number, extra: number) =>
      Array.from({ length: MASKS }, () => vectorOf(at, item, extra));
    const items = Array.from({ length: ITEMS }, (_, item) => ({
      full: vectorOf(at, item, 0),
      masks: several(item, 40),
      inverses: several(item, 400),
    }));
    return encode(EmbeddingBlobCodec, { job, encoder, dimension: DIMENSION, items } as EmbeddingBlob);
  });
  const request: EvaluationRequest = {
    chainId: CHAIN,
    job,
    ask: 1,
    selection: named("selection"),
    bundle: named("bundle"),
    beacon: named("beacon"),
    masksOfItem: new Array<number>(ITEMS).fill(MASKS),
    dimension: DIMENSION,
    meanNormSquared: BigInt(DIMENSION) * 333_000n,
    reveals: encoders.map((encoder, i) => ({
      encoder,
      embeddingDigest: embeddingDigest(CHAIN, blobs[i]!),
      vectors: toHex(sha256(blobs[i]!)),
    })),
    selected: encoders,
    gateways: [],
  };
  return { request, blobs };
}

/** Of all that an evaluation answers. */
export function selfTestDigest({ result, finals, exclusions }: Evaluated): string {
  return toHex(sha256(concatBytes(encode(EvaluationResultCodec, result), finals, utf8(exclusions.join()))));
}

/**
 * Evaluates the made-up job as if it were one of the network. Refusal: SCORER_SELF_TEST, when the answer is not what every
 * machine must give; a scorer that goes on has its encoder slashed for signing another result than its peers (GAME-8).
 */
export function selfTest({ request, blobs }: SelfTestJob): Result<true> {
  const evaluated = evaluateRequest(request, blobs);
  if (evaluated.ok && selfTestDigest(evaluated.value) === EXPECTED) return ok(true);
  const why = evaluated.ok ? `digest ${selfTestDigest(evaluated.value)}` : evaluated.code;
  return err(
    "SCORER_SELF_TEST",
    `this machine or build evaluates otherwise than the network (${why}, expected ${EXPECTED}): run the Node and the packages that this version pins`,
  );
}

function named(name: string): string {
  return toHex(sha256(utf8(`${CHAIN} ${name}`)));
}

/** Whole numbers from -size to size, the same ones everywhere: xorshift32 (Marsaglia 2003). */
function numbers(seed: number): (size: number) => number {
  let x = seed;
  return (size) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return ((x >>> 0) % (2 * size + 1)) - size;
  };
}
