import { Rng } from "@soma/base";
import type { SignatureVerifier } from "@soma/crypto";
import { nativeVerifier } from "@soma/crypto/native";
import { RECEIPT_STAGES, verifyReceipt } from "@soma/protocol";
import { buildReceipt, byteLength, type TestReceipt, type TestReceiptOptions } from "@soma/testkit/receipt";
import { describe, expect, test } from "vitest";
import { memoisedVerifier } from "./memoised-verifier.ts";
import { mutations } from "./mutations.ts";

/** Small vectors and short deadlines; the rules are the same. */
const SMALL = {
  embeddingDimension: 16,
  masks: 3,
  selectTimeout: 10,
  revealTimeout: 10,
  proofTimeout: 10,
};

const small = (options: TestReceiptOptions = {}) => buildReceipt({ parameters: SMALL, ...options });

function verify(receipt: TestReceipt, bytes = receipt.bytes, verifier: SignatureVerifier = nativeVerifier) {
  const deps = { verifier, tokenise: byteLength };
  return verifyReceipt(bytes, receipt.network.genesis, deps);
}

const VARIANTS: readonly [string, TestReceiptOptions][] = [
  ["with bundle and proof", {}],
  ["of the second attempt", { attempt: 1 }],
  ["whose submitter sent no bundle", { bundle: "deadline" }],
  ["closed by the majority of posted evaluations", { close: "majority" }],
  ["with everybody disqualified", { allDisqualified: true }],
];

describe("a genuine receipt", () => {
  test.each(VARIANTS)("%s verifies", (_, options) => {
    const receipt = small(options);
    const verdict = verify(receipt);
    expect(verdict).toMatchObject({ ok: true });
    if (!verdict.ok) return;
    expect(verdict.value.result.winner).toBe(receipt.winner);
    expect(verdict.value.attempt).toBe(options.attempt ?? 0);
    expect(verdict.value.handovers).toBe(2);
    expect(verdict.value.signers === null).toBe(options.close === "majority");
    expect(verdict.value.paid > 0n).toBe(options.allDisqualified !== true);
    expect(verdict.value.masks?.map((masks) => masks.length)).toEqual([3, 3]);
  });

  test("verifies without a tokenizer, the masks left unchecked", () => {
    const receipt = small();
    const verdict = verifyReceipt(receipt.bytes, receipt.network.genesis, { verifier: nativeVerifier });
    expect(verdict).toMatchObject({ ok: true, value: { masks: null } });
  });

  test("of full vectors verifies in well under a second", () => {
    const receipt = buildReceipt({
      items: Array.from({ length: 16 }, (_, i) => `item ${i} of a longer job`),
    });
    verify(receipt);
    const start = performance.now();
    expect(verify(receipt)).toMatchObject({ ok: true });
    const elapsed = performance.now() - start;
    console.log(`verified ${receipt.bytes.length} bytes in ${elapsed.toFixed(1)} ms`);
    expect(elapsed).toBeLessThan(1000);
  });
});

describe("a changed receipt", () => {
  const codes = new Set<string>(RECEIPT_STAGES.map((stage) => stage.code));

  // The first variant in full; of the others what sets them apart, and every eleventh change of the rest.
  test.each(VARIANTS)(
    "%s is refused whatever field is changed",
    (name, options) => {
      const receipt = small(options);
      expect(verify(receipt)).toMatchObject({ ok: true });
      const verifier = memoisedVerifier();
      const passed: string[] = [];
      const refusals = new Map<string, number>();
      const whole = Object.keys(options).length === 0;
      let tried = 0;
      let seen = 0;
      for (const { path, what, bytes } of mutations(receipt.bytes)) {
        if (!whole && !/^(bundle|close)\./.test(path) && seen++ % 11 !== 0) continue;
        tried++;
        const verdict = verify(receipt, bytes, verifier);
        if (verdict.ok) passed.push(`${path}: ${what}`);
        else refusals.set(verdict.code, (refusals.get(verdict.code) ?? 0) + 1);
      }
      console.log(`${name}: ${tried} changes`, Object.fromEntries(refusals));
      expect(passed).toEqual([]);
      expect(tried).toBeGreaterThan(whole ? 2500 : 400);
      expect([...refusals.keys()].filter((code) => !codes.has(code))).toEqual([]);
    },
    300_000,
  );

  test("is refused whatever bit of the file is flipped", () => {
    const receipt = small();
    const verifier = memoisedVerifier();
    const rng = new Rng(20_261_120);
    const passed: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const bytes = receipt.bytes.slice();
      const at = rng.below(bytes.length);
      bytes[at]! ^= 1 << rng.below(8);
      if (verify(receipt, bytes, verifier).ok) passed.push(at);
    }
    expect(passed).toEqual([]);
  });

  test("is refused when cut short or lengthened", () => {
    const receipt = small();
    for (let length = 0; length < receipt.bytes.length; length += 97) {
      expect(verify(receipt, receipt.bytes.subarray(0, length))).toMatchObject({ code: "RECEIPT_FORMAT" });
    }
    const longer = Uint8Array.from([...receipt.bytes, 0]);
    expect(verify(receipt, longer)).toMatchObject({ code: "RECEIPT_FORMAT" });
  });

  test("is refused under another genesis", () => {
    const receipt = small();
    const { genesis } = buildReceipt({ parameters: { ...SMALL, masks: 4 } }).network;
    const verdict = verifyReceipt(receipt.bytes, genesis, { verifier: nativeVerifier });
    expect(verdict).toMatchObject({ code: "RECEIPT_GENESIS" });
  });
});
