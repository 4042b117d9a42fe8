import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { TextTokenizer } from "./text-tokenizer.ts";

let tokenizer: TextTokenizer;
beforeAll(async () => {
  tokenizer = await TextTokenizer.load(join(import.meta.dirname, "../../../models/tokenizer/text.model"));
});
const encode = (text: string) => tokenizer.encode(new TextEncoder().encode(text));

describe("MASK-1", () => {
  test.each(["a <mask> b", "<mask> <mask> <mask>", "a<mask>b", "<mask", "<<mask>>"])(
    "%j holds no mask element, and every character is kept",
    (text) => {
      const ids = encode(text)!;
      expect(ids).not.toContain(tokenizer.maskId);
      expect(ids.length).toBeGreaterThan(text.split("<mask").length);
    },
  );

  test("other text is as the tokenizer has it", () => {
    // Ids by the reference implementation, SentencePiece 0.2.
    expect(encode("a mask of wood")).toEqual([260, 289, 2007, 270, 971]);
    expect(encode("a <pad> b")).not.toContain(1);
    expect(encode("")).toEqual([]);
  });

  test("what is not UTF-8 has no elements", () => {
    expect(tokenizer.encode(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  });
});
