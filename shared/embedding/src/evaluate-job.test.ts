import { Rng, toHex } from "@soma/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tieLot } from "./composite.ts";
import type { ItemEmbeddings } from "./differential-loss.ts";
import { evaluateJob } from "./evaluate-job.ts";
import type { EvaluatedEncoder, JobEvaluation, JobToEvaluate } from "./evaluation.ts";
import { evaluationBytes, evaluationDigest } from "./evaluation-digest.fixture.ts";

const DIMENSION = 4;
const MASKS = 2;
const id = (n: number) => n.toString(16).padStart(64, "0");

function evaluated(job: JobToEvaluate): JobEvaluation {
  const result = evaluateJob(job);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

/** Vectors of norm near 1000 around one truth an item, `error` away from additive, `shift` away from peers. */
function reveal(seed: number, items: number, error: number, shift = 0): ItemEmbeddings[] {
  const noise = new Rng(seed);
  return Array.from({ length: items }, (_, item) => {
    const truth = new Rng(1000 + item);
    const full = Int16Array.from(
      { length: DIMENSION },
      () => 450 + truth.below(100) + noise.below(30) + shift,
    );
    const masks = Array.from({ length: MASKS }, () => full.map((q) => truth.below(q) + noise.below(9)));
    const inverses = masks.map((mask) => mask.map((q, d) => full[d]! - q + (d === 0 ? error : 0)));
    return { full, masks, inverses };
  });
}

function jobOf(encoders: EvaluatedEncoder[], items = 3): JobToEvaluate {
  return {
    chainId: "test",
    jobSeed: new Uint8Array(32).fill(7),
    dimension: DIMENSION,
    masksOfItem: new Array<number>(items).fill(MASKS),
    meanNormSquared: 1_000_000n,
    encoders,
    latencyOrder: encoders.map((encoder) => encoder.id),
  };
}

const five = (items = 3): EvaluatedEncoder[] =>
  [0, 40, 80, 120, 160].map((error, i) => ({ id: id(i + 1), reveal: reveal(i, items, error) }));

describe("evaluateJob (GAME-7)", () => {
  it("gives the win to the most additive of equals, and every item a vector", () => {
    const got = evaluated(jobOf(five()));
    expect(got.winner).toBe(id(1));
    expect(got.encoders[0]!.lossPpb).toBe(0n);
    expect(got.encoders.map((e) => e.ranks.loss)).toEqual([2, 4, 6, 8, 10]);
    expect(got.excluded).toEqual([]);
    expect(got.finals.every((final) => final?.length === DIMENSION)).toBe(true);
  });

  it("works out by hand for one encoder", () => {
    const v = (x: number, y: number) => Int16Array.of(x, y);
    const one = { full: v(600, 800), masks: [v(600, 0), v(0, 400)], inverses: [v(0, 800), v(600, 300)] };
    // l_1 = 0; r_2 = (0, 100): 1/2 * 10^4 * (1/160000 + 1/450000) = 0.0423611...; DL = half of it.
    const got = evaluated({
      ...jobOf([{ id: id(1), reveal: [one] }], 1),
      dimension: 2,
    });
    expect(got.encoders[0]).toEqual({
      id: id(1),
      standing: "qualified",
      lossPpb: 21_180_555n,
      factorMicro: 1_000_000,
      ranks: { loss: 2, lof: 2, latency: 2 },
      composite: 20_000,
      percentilePpm: 500_000,
      refusedItems: 0,
    });
    // floor(2^64 / 271 180 555)
    expect(got.items[0]!.weights).toEqual([68_023_845_123n]);
    expect(got.finals).toEqual([v(600, 800)]);
    expect(toHex(evaluationBytes(got))).toBe(
      [
        "07".repeat(32),
        "00000002", // dimension
        "00000001", // items
        "00000001", // encoders
        id(1),
        "00", // qualified
        (21_180_555).toString(16).padStart(16, "0"),
        (1_000_000).toString(16).padStart(16, "0"),
        "000000020000000200000002",
        (20_000).toString(16).padStart(8, "0"),
        (500_000).toString(16).padStart(8, "0"),
        "00000000", // refused items
        `01${id(1)}`, // winner
        "00", // qualified on the item
        (21_180_555).toString(16).padStart(16, "0"),
        (1_000_000).toString(16).padStart(16, "0"),
        68_023_845_123n.toString(16).padStart(16, "0"),
        "01", // a vector: 600, 800 little endian
        "58022003",
      ].join(""),
    );
  });

  it("has the same bytes whatever the order of the encoders", () => {
    const encoders = five();
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5, maxLength: 5 });
    const straight = evaluationDigest(evaluated(jobOf(encoders)));
    fc.assert(
      fc.property(order, (indices) => {
        const job = { ...jobOf(encoders), encoders: indices.map((i) => encoders[i]!) };
        expect(evaluationDigest(evaluated(job))).toEqual(straight);
      }),
      { numRuns: 20 },
    );
  });

  it("binds chain, seed and every revealed vector that counts into the digest", () => {
    const job = jobOf(five());
    const digest = (change: Partial<JobToEvaluate>) =>
      toHex(evaluationDigest(evaluated({ ...job, ...change })));
    const touched = five();
    touched[4]!.reveal![2]!.full[1]! += 5;
    const digests = [
      digest({}),
      digest({ chainId: "other" }),
      digest({ jobSeed: new Uint8Array(32) }),
      digest({ encoders: touched }),
      digest({ latencyOrder: job.latencyOrder.toReversed() }),
      digest({ encoders: job.encoders.slice(1), latencyOrder: job.latencyOrder.slice(1) }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("settles a tie by lot", () => {
    const same = reveal(1, 2, 50);
    const other = (i: number) => ({ id: id(i), reveal: same });
    const job = { ...jobOf([other(1), other(2), other(3)], 2), latencyOrder: [id(3), id(2), id(1)] };
    const lots = job.encoders.map((e) => ({ id: e.id, lot: tieLot("test", job.jobSeed, e.id) }));
    const lowest = lots.toSorted((a, b) => (a.lot < b.lot ? -1 : 1))[0]!;
    expect(evaluated(job).winner).toBe(lowest.id);
  });

  it("splits one weight among copies and among those behind one proxy", () => {
    const copies: EvaluatedEncoder[] = [...five(), { id: id(6), reveal: reveal(0, 3, 0) }];
    const weights = (encoders: EvaluatedEncoder[]) => evaluated(jobOf(encoders)).items[0]!.weights;
    const alone = weights(five());
    const split = weights(copies);
    expect([split[0], split[5]]).toEqual([alone[0]! / 2n, alone[0]! / 2n]);
    expect(split.slice(1, 5)).toEqual(alone.slice(1));

    const behindOne = five().map((e, i) => ({ ...e, proxy: i === 1 || i === 2 ? id(99) : null }));
    const proxied = weights(behindOne);
    expect(proxied).toEqual([alone[0], alone[1]! / 2n, alone[2]! / 2n, alone[3], alone[4]]);
  });
});

describe("who does not qualify", () => {
  const withLast = (last: EvaluatedEncoder["reveal"], items = 3) =>
    evaluated(jobOf([...five(items), { id: id(6), reveal: last }], items));

  const malformed: [string, (items: ItemEmbeddings[]) => ItemEmbeddings[]][] = [
    ["an item too few", (items) => items.slice(1)],
    ["a mask too few", ([first, ...rest]) => [{ ...first!, masks: first!.masks.slice(1) }, ...rest]],
    [
      "another dimension",
      ([first, ...rest]) => [{ ...first!, full: new Int16Array(DIMENSION + 1) }, ...rest],
    ],
    [
      "a coordinate of -32768",
      ([first, ...rest]) => [{ ...first!, full: first!.full.map(() => -32768) }, ...rest],
    ],
  ];
  it.each(malformed)("a reveal with %s is malformed", (_, change) => {
    const got = withLast(change(reveal(9, 3, 0)));
    expect(got.encoders[5]).toMatchObject({
      standing: "malformed",
      lossPpb: 2_000_000_000n,
      refusedItems: 3,
    });
    expect(got.excluded).toEqual([id(6)]);
    expect(got.items[0]!.verdicts[5]).toBe("absent");
  });

  it("a silent encoder ranks last in everything, and changes nobody's weight", () => {
    const got = withLast(null);
    const without = evaluated(jobOf(five()));
    expect(got.encoders[5]).toMatchObject({ standing: "silent", ranks: { loss: 12, lof: 12, latency: 12 } });
    expect(got.finals).toEqual(without.finals);
    expect(got.winner).toBe(without.winner);
  });

  it("an encoder far from its peers is an outlier, however additive", () => {
    // Near the upper norm band, so that only distance speaks against it.
    const got = withLast(reveal(9, 3, 0, 450));
    expect(got.items.map((item) => item.verdicts[5])).toEqual(["outlier", "outlier", "outlier"]);
    expect(got.encoders[5]).toMatchObject({ standing: "disqualified", lossPpb: 0n });
    expect(got.items[0]!.weights[5]).toBe(0n);
    expect(got.winner).not.toBe(id(6));
  });

  it("huge norms and constants fail their gates", () => {
    const constant = reveal(9, 3, 0).map(({ full }) => ({
      full,
      masks: [full, full],
      inverses: [full, full],
    }));
    expect(withLast(constant).items[0]!.verdicts[5]).toBe("dispersion");
    const huge = reveal(9, 3, 0).map((item) => ({ ...item, full: item.full.map((q) => q * 10) }));
    const got = withLast(huge);
    expect(got.items[0]!.verdicts[5]).toBe("norms");
    expect(got.encoders[5]).toMatchObject({ standing: "disqualified", lossPpb: 2_000_000_000n });
  });

  it.each([
    [4, 2, "qualified"],
    [4, 3, "disqualified"],
  ])("of %i items %i refused: %s", (items, refused, standing) => {
    const vectors = reveal(9, items, 0).map((item, i) =>
      i < refused ? { ...item, full: item.full.map((q) => q * 10) } : item,
    );
    const got = withLast(vectors, items);
    expect(got.encoders[5]).toMatchObject({ standing, refusedItems: refused });
    expect(got.encoders[5]!.lossPpb).toBe((2_000_000_000n * BigInt(refused)) / BigInt(items));
    expect(got.items.map((item) => item.weights[5]! > 0n)).toEqual(
      vectors.map((_, i) => standing === "qualified" && i >= refused),
    );
  });

  it("an item on which all fail counts for nobody and has no vector", () => {
    const encoders = five().map((encoder) => ({
      ...encoder,
      reveal: encoder.reveal!.map((item, i) =>
        i === 1 ? { ...item, masks: [item.full, item.full], inverses: [item.full, item.full] } : item,
      ),
    }));
    const got = evaluated(jobOf(encoders));
    expect(got.items[1]).toMatchObject({ scored: false, final: null });
    expect(got.encoders.every((e) => e.standing === "qualified" && e.refusedItems === 0)).toBe(true);
    expect(got.winner).toBe(id(1));
    expect(got.finals.map((final) => final === null)).toEqual([false, true, false]);
  });

  it("all disqualified: no winner, no vector (GAME-9)", () => {
    const encoders = five().map((encoder) => ({
      ...encoder,
      reveal: encoder.reveal!.map((item) => ({ ...item, full: new Int16Array(DIMENSION) })),
    }));
    const got = evaluated(jobOf(encoders));
    expect(got.winner).toBeNull();
    expect(got.finals).toEqual([null, null, null]);
    expect(got.excluded).toHaveLength(5);
    expect(evaluationDigest(got)).toHaveLength(32);
    const silent = evaluated(jobOf(five().map((encoder) => ({ ...encoder, reveal: null }))));
    expect(silent.winner).toBeNull();
  });
});

describe("refusals of evaluateJob", () => {
  const job = jobOf(five());
  it.each<[Partial<JobToEvaluate>, string]>([
    [{ jobSeed: new Uint8Array(31) }, "EVALUATION_SEED"],
    [{ dimension: 0 }, "EVALUATION_DIMENSION"],
    [{ dimension: 2049 }, "EVALUATION_DIMENSION"],
    [{ masksOfItem: [] }, "EVALUATION_ITEMS"],
    [{ masksOfItem: new Array<number>(1025).fill(2) }, "EVALUATION_ITEMS"],
    [{ masksOfItem: [1] }, "EVALUATION_MASKS"],
    [{ masksOfItem: [33] }, "EVALUATION_MASKS"],
    [{ meanNormSquared: 0n }, "EVALUATION_NORM"],
    [{ meanNormSquared: { num: 1n, den: 0n } }, "EVALUATION_NORM"],
    [{ encoders: [] }, "EVALUATION_ENCODERS"],
    [{ encoders: [{ id: "00", reveal: null }] }, "EVALUATION_ENCODERS"],
    [{ encoders: [job.encoders[0]!, job.encoders[0]!] }, "EVALUATION_ENCODERS"],
    [{ latencyOrder: [id(99)] }, "EVALUATION_LATENCY"],
    [{ latencyOrder: [id(1), id(1)] }, "EVALUATION_LATENCY"],
  ])("case %#", (change, code) => {
    expect(evaluateJob({ ...job, ...change })).toMatchObject({ ok: false, code });
  });
});
