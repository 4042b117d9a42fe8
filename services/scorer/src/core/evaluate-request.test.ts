import { toHex, utf8 } from "@soma/base";
import { encode } from "@soma/codec";
import { sha256 } from "@soma/crypto";
import { vectorBytes } from "@soma/embedding";
import { type EmbeddingBlob, EmbeddingBlobCodec, embeddingDigest } from "@soma/protocol";
import { testBlob } from "@soma/testkit/receipt";
import { describe, expect, test } from "vitest";
import { type EvaluationRequest, evaluateRequest, isRevealed, largestBlob } from "./evaluate-request.ts";

const hash = (name: string) => toHex(sha256(utf8(name)));
const masksOfItem = [4, 2];
const dimension = 16;
const job = hash("job");
const encoders = ["a", "b", "c", "d"].map(hash).sort();
const blobs = encoders.map((encoder, own) =>
  testBlob({ job, encoder, dimension, masksOfItem, truth: 1, own, noise: 0.1 + 0.05 * own }),
);
const request: EvaluationRequest = {
  chainId: "test",
  job,
  ask: 1,
  selection: hash("selection"),
  bundle: hash("bundle"),
  beacon: hash("beacon"),
  masksOfItem,
  dimension,
  meanNormSquared: 2048n * 2048n,
  reveals: encoders.map((encoder, i) => ({
    encoder,
    embeddingDigest: embeddingDigest("test", blobs[i]!),
    vectors: toHex(sha256(blobs[i]!)),
  })),
  selected: encoders,
  gateways: [],
};

describe("evaluateRequest", () => {
  test("gives a winner of the evaluated set and one final vector an item", () => {
    const evaluated = evaluateRequest(request, blobs);
    if (!evaluated.ok) throw new Error(evaluated.message);
    expect(encoders).toContain(evaluated.value.result.winner);
    expect(evaluated.value.result.scores.map((score) => score.encoder)).toEqual(encoders);
    expect(evaluated.value.finals.length).toBe(2 * dimension * masksOfItem.length);
  });

  test("has no final vectors when nobody qualifies", () => {
    const evaluated = evaluateRequest(
      request,
      blobs.map(() => new Uint8Array(3)),
    );
    if (!evaluated.ok) throw new Error(evaluated.message);
    expect(evaluated.value.result.winner).toBeNull();
    expect(evaluated.value.finals.length).toBe(0);
    expect(evaluated.value.exclusions).toEqual(["malformed", "malformed", "malformed", "malformed"]);
  });

  const other = (change: (blob: EmbeddingBlob) => EmbeddingBlob) =>
    encode(EmbeddingBlobCodec, change(EmbeddingBlobCodec.parse(blobs[0]!)));
  const scaled = (vector: Uint8Array, by: number) =>
    vectorBytes(new Int16Array(vector.slice().buffer).map((q) => q * by));

  test.each<[string, Uint8Array, string]>([
    ["that are no blob", blobs[0]!.subarray(1), "malformed"],
    ["of another encoder", blobs[1]!, "malformed"],
    ["of another dimension", other((blob) => ({ ...blob, dimension: 17 })), "malformed"],
    ["of an item too few", other((blob) => ({ ...blob, items: blob.items.slice(1) })), "malformed"],
    [
      "with a coordinate that no finite number becomes",
      other((blob) => ({
        ...blob,
        items: blob.items.map((item) => ({
          ...item,
          full: item.full.map((_, i) => (i % 2 === 1 ? 0x80 : 0)),
        })),
      })),
      "malformed",
    ],
    [
      "of huge norm",
      other((blob) => ({
        ...blob,
        items: blob.items.map((item) => ({ ...item, full: scaled(item.full, 9) })),
      })),
      "norms",
    ],
  ])("leaves out vectors %s, and the others' evaluation stands", (_, blob, cause) => {
    const evaluated = evaluateRequest(request, [blob, ...blobs.slice(1)]);
    if (!evaluated.ok) throw new Error(evaluated.message);
    expect(evaluated.value.exclusions).toEqual([cause]);
    expect(encoders.slice(1)).toContain(evaluated.value.result.winner);
    expect(evaluated.value.result.scores.map(({ disqualified }) => disqualified)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test.each<[string, Partial<EvaluationRequest>, string]>([
    ["no items", { masksOfItem: [] }, "EVALUATION_ITEMS"],
    ["a blob too few", { reveals: request.reveals.slice(1) }, "EVALUATION_BLOBS"],
    ["no norm", { meanNormSquared: 0n }, "EVALUATION_NORM"],
  ])("refuses %s", (_, change, code) => {
    expect(evaluateRequest({ ...request, ...change }, blobs)).toMatchObject({ ok: false, code });
  });
});

test("a blob is bounded, and is what the reveal signed", () => {
  for (const blob of blobs) expect(blob.length).toBeLessThanOrEqual(largestBlob(request));
  expect(isRevealed(request, request.reveals[0]!, blobs[0]!)).toBe(true);
  expect(isRevealed(request, request.reveals[0]!, blobs[1]!)).toBe(false);
});
