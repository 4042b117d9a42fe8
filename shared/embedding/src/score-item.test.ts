import { describe, expect, test } from "vitest";
import type { ItemEmbeddings } from "./differential-loss.ts";
import { scoreItem } from "./score-item.ts";
import { normBands } from "./space-gates.ts";

/** An item of dimension 4 whose masks add up to the whole, but for `rest` in the last coordinate. */
function item(scale: number, rest: number): ItemEmbeddings {
  const vector = (...values: number[]) => Int16Array.from(values.map((value) => value * scale));
  return {
    full: vector(600, 800, 0, rest),
    masks: [vector(600, 0, 0, 0), vector(0, 800, 0, 0)],
    inverses: [vector(0, 800, 0, 0), vector(600, 0, 0, 0)],
  };
}

const ids = ["aa", "bb", "cc", "dd"];
const context = { ids, lots: ids, together: [], bands: normBands(1_000_000n) };

describe("ADR 0012: a gate costs the item, not the job", () => {
  test("who fails a gate counts with the worst loss of those that pass", () => {
    const scored = scoreItem([item(1, 10), item(1, 60), item(1, 30), item(8, 0)], context);
    if (!scored.ok) throw new Error(scored.message);
    const { verdicts, lossesPpb } = scored.value;
    expect(verdicts).toEqual(["qualified", "qualified", "qualified", "norms"]);
    expect(lossesPpb[3]).toBe(lossesPpb[1]);
    expect(lossesPpb[1]).toBeGreaterThan(lossesPpb[2]!);
  });

  test("and with its own where that is worse; silence stays the worst of all", () => {
    const scored = scoreItem([item(1, 10), item(1, 60), item(8, 500), null], context);
    if (!scored.ok) throw new Error(scored.message);
    const { lossesPpb } = scored.value;
    expect(lossesPpb[2]).toBeGreaterThan(lossesPpb[1]!);
    expect(lossesPpb[3]).toBe(2_000_000_000n);
  });
});
