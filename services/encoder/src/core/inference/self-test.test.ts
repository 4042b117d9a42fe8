import { concatBytes } from "@soma/base";
import { vectorBytes } from "@soma/embedding";
import { describe, expect, test } from "vitest";
import { checkSelfTest, SELF_TEST_ITEMS, selfTestSettings } from "./self-test.ts";

const DIMENSION = 4;
/** Vectors of items with these full vectors, and a mask and an inverse that are all alike. */
const vectorsOf = (fulls: readonly number[][]) => ({
  vectors: concatBytes(
    ...fulls.flatMap((full) =>
      [full, [9, 9, 9, 9], [9, 9, 9, 9]].map((v) => vectorBytes(Int16Array.from(v))),
    ),
  ),
  masks: fulls.map(() => 1),
});

describe("the self-test of a model", () => {
  test("asks for different texts, which have all masks of a job", () => {
    expect(new Set(SELF_TEST_ITEMS.map(String)).size).toBe(SELF_TEST_ITEMS.length);
    expect(selfTestSettings(77)).toMatchObject({ masks: 8, maxTokens: 77, modality: "text" });
  });

  test("passes a model whose texts have a vector each", () => {
    const differing = vectorsOf([
      [1, 2, 3, 4],
      [1, 2, 3, 5],
      [-1, 0, 0, 0],
    ]);
    expect(checkSelfTest(differing, DIMENSION)).toEqual({ ok: true, value: true });
  });

  test.each([
    [
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [1, 2, 3, 4],
      ],
      "it has one vector for texts 0 and 2",
    ],
    [
      [
        [1, 2, 3, 4],
        [0, 0, 0, 0],
      ],
      "its vector of text 1 is zero",
    ],
  ])("fails one with %j", (fulls, message) => {
    expect(checkSelfTest(vectorsOf(fulls), DIMENSION)).toEqual({
      ok: false,
      code: "MODEL_SELF_TEST",
      message,
    });
  });
});
