import { describe, expect, test } from "vitest";
import { evaluateRequest } from "./evaluate-request.ts";
import { selfTest, selfTestDigest, selfTestJob } from "./self-test.ts";

const job = selfTestJob();

describe("the self-test", () => {
  test("holds, as often as it is repeated", () => {
    for (let i = 0; i < 3; i++) expect(selfTest(job)).toEqual({ ok: true, value: true });
    expect(selfTestJob()).toEqual(job);
  });

  test("has a winner, and somebody left out by each of two gates", () => {
    const evaluated = evaluateRequest(job.request, job.blobs);
    if (!evaluated.ok) throw new Error(evaluated.message);
    expect(evaluated.value.result.winner).not.toBeNull();
    expect(evaluated.value.exclusions).toEqual(["dispersion", "norms"]);
    expect(evaluated.value.result.scores.filter(({ disqualified }) => !disqualified)).toHaveLength(6);
  });

  test("fails when a coordinate, the bundle or the anchors' norm is another", () => {
    const blob = job.blobs[0]!.slice();
    // The last coordinate of the last vector of the last item.
    blob[blob.length - 2]! ^= 1;
    for (const other of [
      { ...job, blobs: [blob, ...job.blobs.slice(1)] },
      { ...job, request: { ...job.request, bundle: "00".repeat(32) } },
      { ...job, request: { ...job.request, meanNormSquared: 16n * job.request.meanNormSquared } },
    ]) {
      const tested = selfTest(other);
      expect(tested).toMatchObject({ ok: false, code: "SCORER_SELF_TEST" });
      expect(!tested.ok && tested.message).toMatch(/digest [0-9a-f]{64}, expected [0-9a-f]{64}/);
    }
  });

  test("fails, and says by which code, when nothing is evaluated", () => {
    const tested = selfTest({ ...job, blobs: job.blobs.slice(1) });
    expect(!tested.ok && tested.message).toContain("EVALUATION_BLOBS");
  });

  test("tells exclusions apart that leave the result as it is", () => {
    const evaluated = evaluateRequest(job.request, job.blobs);
    if (!evaluated.ok) throw new Error(evaluated.message);
    const digest = selfTestDigest(evaluated.value);
    expect(selfTestDigest({ ...evaluated.value, exclusions: ["norms", "norms"] })).not.toBe(digest);
  });
});
