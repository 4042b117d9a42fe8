import { join } from "node:path";
import { err, ok, type Result, toHex } from "@soma/base";
import { merkleRoot } from "@soma/crypto";
import { fromVectorBytes, vectorBytes } from "@soma/embedding";
import { checkItems } from "@soma/encoder/core";
import { decodeItems, encodeItems, evaluateReveals, type RevealedJob } from "@soma/protocol";
import { testBlob } from "@soma/testkit/receipt";
import { TextTokenizer } from "@soma/tokenizer";
import type { FuzzTarget } from "../harness/target.ts";

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));
const TEXTS = [
  "",
  "a",
  "an owl hunts at night",
  "<mask> <mask> <unk> </s>",
  "\u0000\u0301\u200d\u{1f469}\u200d\u{1f52c}",
  "漢字かな交じり文",
  "x".repeat(5_000),
  "\u0344".repeat(500),
].map(utf8);

let tokenizer: Promise<TextTokenizer> | undefined;
async function tokenise(item: Uint8Array): Promise<Result<readonly number[]>> {
  tokenizer ??= TextTokenizer.load(join(import.meta.dirname, "../../../models/tokenizer/text.model"));
  const loaded = await tokenizer;
  const ids = loaded.encode(item);
  if (ids === undefined) return err("NOT_UTF8", "not text");
  if (ids.includes(loaded.maskId)) throw new Error("an item holds a mask that nobody drew");
  return ok(ids);
}

const CHAIN = "fuzz";
const JOB = "44".repeat(32);
const DIMENSION = 16;
const MASKS = [2, 3];
const ENCODERS = [1, 2, 3, 4, 5].map((i) => `${i}${i}`.repeat(32));

function blob(encoder: number): Uint8Array {
  return testBlob({
    job: JOB,
    encoder: ENCODERS[encoder]!,
    dimension: DIMENSION,
    masksOfItem: MASKS,
    truth: 3,
    own: encoder,
    noise: 0.1,
  });
}

/** GAME-7 with one reveal of these bytes among four good ones: whatever they are, there is a result. */
function evaluate(bytes: Uint8Array): Result<unknown> {
  const job: RevealedJob = {
    chainId: CHAIN,
    job: JOB,
    selection: "55".repeat(32),
    bundle: "66".repeat(32),
    beacon: "77".repeat(32),
    dimension: DIMENSION,
    masksOfItem: MASKS,
    meanNormSquared: 4_194_304n,
    reveals: ENCODERS.map((encoder, i) => ({ encoder, blob: i === 0 ? bytes : blob(i) })),
    selected: ENCODERS,
  };
  const evaluated = evaluateReveals(job);
  if (evaluated.ok && evaluated.value.result.winner === null)
    throw new Error("one reveal took all others down");
  return evaluated;
}

function check(bytes: Uint8Array): Result<string> {
  const items = decodeItems(bytes);
  // As if whoever paid had named this very blob: the checks behind the hash are reached.
  const dataHash = items.ok ? toHex(merkleRoot(items.value)) : "00".repeat(32);
  return ok(checkItems(bytes, { dataHash, sizeBytes: 20n, items: 2, modality: 0 }));
}

export const ITEM_TARGETS: readonly FuzzTarget[] = [
  {
    name: "tokenizer",
    form: "bytes",
    maxBytes: 64 * 1024,
    corpus: () => TEXTS,
    decode: tokenise,
    codes: ["NOT_UTF8"],
    share: 0.1,
  },
  {
    name: "items-checked",
    form: "bytes",
    maxBytes: 512 * 1024,
    corpus: () => [
      encodeItems(TEXTS),
      encodeItems([utf8("0123456789"), utf8("0123456789")]),
      encodeItems([]),
    ],
    decode: check,
    codes: [],
  },
  {
    name: "vector",
    form: "bytes",
    maxBytes: 8 * 1024,
    corpus: () => [new Int16Array(256).fill(-32767), Int16Array.of(1)].map(vectorBytes),
    decode: (bytes) => fromVectorBytes(bytes),
    encode: vectorBytes,
    codes: ["EMBEDDING_DIMENSION", "EMBEDDING_RANGE"],
  },
  {
    name: "reveal-evaluated",
    form: "bytes",
    maxBytes: 64 * 1024,
    corpus: () => [blob(0), blob(1)],
    decode: evaluate,
    codes: [],
    share: 0.1,
  },
];
