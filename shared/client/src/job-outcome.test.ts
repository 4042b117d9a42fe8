import { SomaError } from "@soma/base";
import type { JobOutcome } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { notSettled } from "./job-outcome.ts";

const TOKENS = 1_500_000_000n;

describe("a job that ends without a receipt", () => {
  test.each<[JobOutcome, RegExp]>([
    [
      { $kind: "Settled", Settled: { winner: "aa", paid: 1n, evaluation: "bb" } },
      /without this client.*run the same/i,
    ],
    [
      { $kind: "AllDisqualified", AllDisqualified: { refunded: TOKENS } },
      /1\.5 tokens came back.*run the same/i,
    ],
    [{ $kind: "Shared", Shared: { paid: TOKENS, refunded: 0n } }, /1\.5 tokens went to.*run the same/i],
    [
      { $kind: "Refunded", Refunded: { refunded: TOKENS, cause: "reveals-short" } },
      /revealed in time; 1\.5 tokens came back.*run the same/i,
    ],
    [{ $kind: "Refunded", Refunded: { refunded: 0n, cause: "of-another-version" } }, /of-another-version/],
    [{ $kind: "Voided", Voided: { forfeited: TOKENS } }, /1\.5 tokens are forfeited/],
    [{ $kind: "BadData", BadData: { paid: 0n, refunded: TOKENS } }, /1\.5 came back.*check the items/i],
  ])("$0.$kind says what became of the money and what to do", (outcome, said) => {
    const error = notSettled({ outcome });
    expect(error).toBeInstanceOf(SomaError);
    expect(error.code).toBe("JOB_NOT_SETTLED");
    expect(error.details).toEqual({ outcome: outcome.$kind });
    expect(error.message).toMatch(said);
  });
});
