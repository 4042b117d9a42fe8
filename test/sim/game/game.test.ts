import { describe, expect, test } from "vitest";
import { CLAIMS } from "./claims.ts";
import { playJob } from "./play.ts";
import { measureAll } from "./report.ts";
import { FEE, GRIEFS, STRATEGIES } from "./strategies.ts";

describe("GAME with rational agents", () => {
  const table = measureAll({ firstSeed: 1000, jobs: 12 });

  test.each(CLAIMS.map((claim) => [claim.says, claim] as const))("%s", (_, claim) => {
    expect(claim.holds(table)).toBe(true);
  });

  test("everybody honest: the job settles, nobody is refused, only the unselected pay", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const played = playJob({ seed, strategy: null, fee: FEE });
      expect(played.outcome).toBe("Settled");
      expect(played.refusals).toEqual([]);
      expect(new Set(played.slashes.map((slash) => slash.cause))).toEqual(new Set(["unselected"]));
    }
  });

  // `playJob` itself throws if money is made or lost in any commit, or the job does not end with an empty escrow.
  test.each([0.05, 0.3, 0.7, 1])(
    "every job ends and money is conserved when %d of transactions are lost",
    (loss) => {
      const outcomes = new Set<string>();
      for (const [index, strategy] of [...STRATEGIES, ...GRIEFS].entries()) {
        outcomes.add(playJob({ seed: 2000 + index, strategy, fee: FEE, loss }).outcome);
      }
      expect(outcomes.has("")).toBe(false);
      if (loss < 1) expect(outcomes.has("Settled")).toBe(true);
      else expect(outcomes).toEqual(new Set(["Refunded:attempts-exhausted"]));
    },
  );
});
