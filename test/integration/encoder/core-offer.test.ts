import { describe, expect, test } from "vitest";
import { offered, toBundled } from "./played-job.ts";
import { Scenario } from "./scenario.ts";

describe("an offer", () => {
  test("that the session key did not sign, or with a mailbox that is no validator's, is refused", () => {
    const scenario = new Scenario();
    scenario.pay();
    scenario.draw();
    const [first] = scenario.holders;
    scenario.offer(first!, { forged: true });
    scenario.offer(first!, { mailbox: "ab".repeat(32) });
    expect(scenario.actors.get(first!)!.refusals).toEqual(["OFFER_SIGNATURE", "OFFER_MAILBOX"]);
    expect(scenario.inbox).toEqual([]);
  });

  test("that comes before the ledger says so waits for it", () => {
    const scenario = new Scenario();
    scenario.pay();
    const [first] = scenario.network.encoders;
    // The submitter's own view runs ahead of this encoder's.
    scenario.job = { ...scenario.job!, attempt: 0 };
    scenario.offer(first!.id);
    expect(scenario.inbox).toEqual([]);
    scenario.draw();
    expect(scenario.received("Commit").has(first!.id)).toBe(true);
  });

  test("that is repeated is answered with the same receipt and the same commit", () => {
    const scenario = offered();
    const [first] = scenario.holders;
    scenario.offer(first!);
    const [a, b] = scenario.received("Commit").get(first!)!;
    expect(a).toEqual(b);
    const asked = scenario.actors
      .get(first!)!
      .effects.filter((effect) => effect.kind === "request-inference");
    expect(asked.length).toBe(1);
  });
});

describe("data", () => {
  test.each(["SizeMismatch", "Undecodable"] as const)("%s is answered with an opt-out at once", (outcome) => {
    const scenario = new Scenario();
    scenario.conduct = { data: () => outcome };
    offered(scenario);
    scenario.advance();
    expect(scenario.job).toMatchObject({ phase: "closed", outcome: "BadData" });
    expect(scenario.received("Commit").size).toBe(0);
    expect([...scenario.received("OptOut").keys()].sort()).toEqual(scenario.holders);
  });

  test.each(["HashMismatch", "Unavailable"] as const)(
    "%s may be the address's fault: another offer heals it",
    (outcome) => {
      const scenario = new Scenario();
      let isHealed = false;
      scenario.conduct = { data: () => (isHealed ? "ok" : outcome) };
      offered(scenario);
      scenario.advance(3);
      expect(scenario.received("OptOut").size).toBe(0);
      isHealed = true;
      for (const holder of scenario.holders) scenario.offer(holder, { data: "db".repeat(32) });
      expect(scenario.received("Commit").size).toBe(scenario.holders.length);
    },
  );

  test("that stays unavailable is opted out of at half of the time, and no commit follows", () => {
    const scenario = new Scenario();
    let outcome: "Unavailable" | "ok" = "Unavailable";
    scenario.conduct = { data: () => outcome };
    offered(scenario);
    const { holders } = scenario;
    scenario.advance(22);
    expect([...scenario.received("OptOut").keys()].sort()).toEqual(holders);
    outcome = "ok";
    for (const holder of holders) scenario.offer(holder, { data: "db".repeat(32) });
    expect(scenario.received("Commit").size).toBe(0);
    expect(scenario.slashes).toEqual([]);
  });
});

describe("a commit", () => {
  test("is made once: a second result for the attempt changes nothing", () => {
    const scenario = offered();
    const [first] = scenario.holders;
    const before = scenario.jobOf(first!);
    scenario.give(first!, {
      kind: "embedded",
      job: scenario.jobId,
      attempt: 0,
      vectors: "11".repeat(32),
      embeddingDigest: "22".repeat(32),
      masksOfItem: [8, 8],
      at: 9_999,
    });
    expect(scenario.jobOf(first!)).toBe(before);
    expect(scenario.actors.get(first!)!.refusals).toEqual(["INFERENCE_STALE"]);
  });

  test("goes onto the ledger when the submitter is gone, and shares the fee", () => {
    const scenario = offered();
    scenario.advance(60);
    expect(scenario.job).toMatchObject({ phase: "closed", outcome: "Shared" });
    expect(scenario.posts("PostCommit").every((one) => one.refusal === "")).toBe(true);
    expect(scenario.posts("PostCommit").length).toBe(scenario.holders.length);
  });

  test("of the next attempt is a new one", () => {
    const scenario = new Scenario();
    scenario.pay();
    scenario.draw();
    scenario.advance(41);
    expect(scenario.job).toMatchObject({ phase: "drawn", attempt: 1 });
    scenario.offerAll();
    expect(scenario.received("Commit").size).toBe(scenario.holders.length);
    toBundled(scenario);
    scenario.advance(3);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
  });
});
