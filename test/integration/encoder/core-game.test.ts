import { describe, expect, test } from "vitest";
import { messageOf, offered, toBundled } from "./played-job.ts";
import { Scenario } from "./scenario.ts";

describe("a job among honest encoders", () => {
  test("is offered, committed, selected, revealed, evaluated by all, proved once and settled", () => {
    const scenario = offered();
    const { holders } = scenario;
    expect(holders.length).toBeGreaterThanOrEqual(4);
    expect([...scenario.received("Receipt").keys()].sort()).toEqual(holders);
    expect([...scenario.received("Commit").keys()].sort()).toEqual(holders);
    expect(scenario.received("Reveal").size).toBe(0);

    toBundled(scenario);
    expect([...scenario.received("Evaluation").keys()].sort()).toEqual(holders);
    scenario.advance(3);
    expect(scenario.job).toMatchObject({ phase: "closed", outcome: "Settled" });
    expect(scenario.posts("FinalProof")).toEqual([expect.objectContaining({ refusal: "" })]);

    scenario.advance(100);
    expect(scenario.slashes).toEqual([]);
    expect(scenario.alarms).toEqual([]);
    // Everybody signed the proof, so nobody had anything to post.
    expect(scenario.executed.map((one) => one.kind)).toEqual(["SelectCommits", "PostBundle", "FinalProof"]);
    for (const actor of scenario.actors.values()) expect(actor.state.jobs.size).toBe(0);
  });

  test("an encoder without a seat says nothing", () => {
    const scenario = new Scenario({ encoders: 120 });
    offered(scenario);
    const outside = [...scenario.actors.keys()].filter((id) => !scenario.holders.includes(id));
    expect(outside.length).toBeGreaterThan(0);
    for (const id of outside) {
      scenario.offer(id);
      expect(scenario.actors.get(id)!.effects).toEqual([]);
      expect(scenario.actors.get(id)!.refusals).toEqual(["OFFER_SEAT"]);
    }
  });
});

describe("a reveal", () => {
  test("is not given before the selection is on the ledger, nor by who is not chosen", () => {
    const scenario = offered();
    const [left] = scenario.holders;
    // One seat holder is left out where the quorum allows it.
    const quorum = scenario.job!.quorum;
    const others = scenario.job!.shard.filter((member) => member.encoder !== left);
    const seats = others.reduce((sum, member) => sum + member.seats, 0);
    expect(seats).toBeGreaterThanOrEqual(quorum);
    scenario.select([left!]);
    expect(scenario.received("Reveal").size).toBe(0);
    scenario.advance();
    expect(scenario.received("Reveal").has(left!)).toBe(false);
    expect(scenario.received("Reveal").size).toBe(others.length);
  });

  test("goes onto the ledger when no bundle comes, and the set that stands there is evaluated", () => {
    const scenario = offered();
    scenario.select();
    scenario.advance(50);
    expect(scenario.posts("PostReveal").length).toBe(scenario.holders.length);
    scenario.advance(10);
    expect(scenario.job).toMatchObject({ phase: "closed", outcome: "Settled" });
    scenario.advance(60);
    expect(scenario.slashes).toEqual([]);
  });

  test("goes onto the ledger when the bundle leaves it out", () => {
    const scenario = offered();
    scenario.select();
    scenario.advance();
    const [left] = scenario.holders;
    scenario.bundle([left!]);
    scenario.advance(4);
    expect(scenario.posts("PostReveal")).toEqual([expect.objectContaining({ sender: left, refusal: "" })]);
    scenario.advance(90);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(scenario.slashes).toEqual([]);
  });

  test("has its vectors fetched at once, from its first address alone", () => {
    const scenario = offered();
    scenario.select();
    scenario.advance();
    const [first, second] = scenario.holders;
    const actor = scenario.actors.get(first!)!;
    const ahead = () => actor.effects.filter((effect) => effect.kind === "fetch-vectors");
    const before = ahead().length;
    expect(before).toBe(scenario.holders.length - 1);
    const { reveal } = (messageOf(scenario, second!, "Reveal") as { Reveal: { reveal: object } }).Reveal;
    const message = { $kind: "Reveal", Reveal: { reveal, vectors: "55".repeat(32) } };
    const relayed = { job: scenario.jobId, mailbox: scenario.mailbox, message } as never;
    scenario.give(first!, { kind: "message", sender: second!, relayed, at: 1 });
    expect(ahead().length).toBe(before);
  });

  test("that names the reader's own vectors has nothing fetched", () => {
    const scenario = offered();
    const [first, second] = scenario.holders;
    scenario.conduct = { delivers: (_, to) => to !== first };
    scenario.select();
    scenario.advance();
    const own = messageOf(scenario, first!, "Reveal") as { Reveal: { vectors: string } };
    const { reveal } = (messageOf(scenario, second!, "Reveal") as { Reveal: { reveal: object } }).Reveal;
    const fetched = (vectors: string) => {
      const message = { $kind: "Reveal", Reveal: { reveal, vectors } };
      const relayed = { job: scenario.jobId, mailbox: scenario.mailbox, message } as never;
      scenario.give(first!, { kind: "message", sender: second!, relayed, at: 1 });
      return scenario.actors.get(first!)!.effects.filter((effect) => effect.kind === "fetch-vectors");
    };
    expect(fetched(own.Reveal.vectors)).toEqual([]);
  });

  test("that is another than the commit's, or comes from another, is refused", () => {
    const scenario = offered();
    const [first, second] = scenario.holders;
    scenario.conduct = { delivers: (_, to) => to !== first };
    scenario.select();
    scenario.advance();
    const message = messageOf(scenario, second!, "Reveal") as { Reveal: { reveal: object; vectors: string } };
    const relayed = (value: unknown) =>
      ({ job: scenario.jobId, mailbox: scenario.mailbox, message: value }) as never;
    const { reveal } = message.Reveal as { reveal: { reveal: object; signature: Uint8Array } };
    const other = { ...reveal, reveal: { ...reveal.reveal, embeddingDigest: "33".repeat(32) } };
    scenario.give(first!, {
      kind: "message",
      sender: second!,
      relayed: relayed({ $kind: "Reveal", Reveal: { reveal: other, vectors: "44".repeat(32) } }),
      at: 1,
    });
    scenario.give(first!, {
      kind: "message",
      sender: scenario.mailbox,
      relayed: relayed({ $kind: "Reveal", ...message }),
      at: 1,
    });
    expect(scenario.actors.get(first!)!.refusals).toEqual(["REVEAL_MISMATCH", "REVEAL_SENDER"]);
    expect(scenario.jobOf(first!).chosen.every((entry) => entry.vectors === null)).toBe(true);
  });
});

describe("the final proof", () => {
  test("is sent by the next in turn when the first is silent", () => {
    const scenario = offered();
    scenario.select();
    scenario.advance();
    scenario.bundle();
    // Whoever is first loses everything that it sends onto the ledger.
    let first: string | undefined;
    const original = scenario.send.bind(scenario);
    scenario.send = (from, kind) => {
      if ("FinalProof" in kind) first ??= from;
      if ("FinalProof" in kind && from === first) return;
      original(from, kind);
    };
    scenario.advance(10);
    expect(first).toBeDefined();
    const [sent, ...more] = scenario.posts("FinalProof");
    expect(more).toEqual([]);
    expect(sent!.sender).not.toBe(first);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
  });

  test("leaves out a signature that spoils the sum", () => {
    const scenario = offered();
    const [bad] = scenario.holders;
    scenario.conduct = {
      changes: (from, message) => {
        if (from !== bad || !("Evaluation" in message)) return message;
        const other = [...scenario.actors.values()].find((actor) => actor.operator.id !== bad)!;
        const forged = other.operator.bls.sign(new Uint8Array(3));
        return { Evaluation: { ...message.Evaluation!, blsSignature: forged } };
      },
    };
    toBundled(scenario);
    scenario.advance(8);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(
      scenario.posts("FinalProof").every((one) => one.refusal === "" || one.refusal === "JOB_PHASE"),
    ).toBe(true);
    // Not counted in the proof, it posts its sound evaluation and is not slashed.
    scenario.advance(60);
    expect(scenario.slashes).toEqual([]);
  });

  test("counts those who signed; who was not heard posts its own evaluation", () => {
    const scenario = offered();
    const [unheard] = scenario.holders;
    scenario.conduct = { delivers: (from, _, message) => from !== unheard || !("Evaluation" in message) };
    // It may still be the one whose turn it is: its own proof counts itself, so its transactions get lost too.
    const original = scenario.send.bind(scenario);
    scenario.send = (from, kind) => {
      if (from !== unheard || !("FinalProof" in kind)) original(from, kind);
    };
    toBundled(scenario);
    scenario.advance(60);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(scenario.posts("PostEvaluation")).toEqual([
      expect.objectContaining({ sender: unheard, refusal: "" }),
    ]);
    expect(scenario.slashes).toEqual([]);
  });

  test("that nobody can send is replaced by posted evaluations, whose majority stands", () => {
    const scenario = offered();
    scenario.conduct = { delivers: (_, __, message) => !("Evaluation" in message) };
    toBundled(scenario);
    scenario.advance(60);
    expect(scenario.posts("FinalProof")).toEqual([]);
    expect(scenario.posts("PostEvaluation").length).toBe(scenario.holders.length);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(scenario.slashes).toEqual([]);
  });
});

describe("vectors that nobody serves", () => {
  test("are named on the ledger by all, which slashes the one who hid them", () => {
    const scenario = offered();
    const [hidden] = scenario.holders;
    scenario.conduct = { missing: (encoder) => (encoder === hidden ? [] : [hidden!]) };
    toBundled(scenario);
    scenario.advance(60);
    expect(scenario.job!.outcome).toContain("vectors-unavailable");
    expect(scenario.slashes).toEqual([{ encoder: hidden, cause: "reveal" }]);
  });

  test("are asked for again, and evaluated when they come", () => {
    const scenario = offered();
    let isThere = false;
    scenario.conduct = { missing: () => (isThere ? [] : [scenario.holders[0]!]) };
    toBundled(scenario);
    isThere = true;
    scenario.advance(12);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
  });
});

describe("a reminder", () => {
  test("shows vectors again to those alone who have not evaluated yet", () => {
    const scenario = offered();
    const [late, ...others] = scenario.holders;
    scenario.select();
    scenario.advance();
    scenario.bundle();
    // Without a proof the job stays as it is, so that reminders come.
    const original = scenario.send.bind(scenario);
    scenario.send = (from, kind) => {
      if (!("FinalProof" in kind)) original(from, kind);
    };
    const shown = new Set<string>();
    scenario.conduct = {
      missing: (encoder) => (encoder === late ? [others[0]!] : []),
      delivers: (_from, to, message) => {
        if ("Reveal" in message && scenario.holders.includes(to)) shown.add(to);
        return true;
      },
    };
    scenario.advance(8);
    expect([...shown]).toEqual([late]);
  });
});

describe("loss and restarts", () => {
  test("a third of all messages may be lost", () => {
    const scenario = new Scenario();
    let n = 0;
    scenario.conduct = { delivers: () => n++ % 3 !== 0 };
    scenario.pay();
    scenario.draw();
    for (let i = 0; i < 8; i++) {
      scenario.offerAll();
      scenario.advance();
    }
    expect(scenario.received("Commit").size).toBe(scenario.holders.length);
    scenario.select();
    scenario.advance(20);
    scenario.bundle();
    scenario.advance(60);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(scenario.slashes).toEqual([]);
  });

  test("an encoder that hears nothing until the job is closed still evaluates and is not slashed", () => {
    const scenario = offered();
    const [away] = scenario.holders;
    let isAway = true;
    const original = scenario.send.bind(scenario);
    scenario.send = (from, kind) => {
      if (!isAway || from !== away) original(from, kind);
    };
    scenario.select();
    scenario.conduct = {
      delivers: (from, to, message) =>
        !isAway || (to !== away && (from !== away || !("Evaluation" in message))),
    };
    scenario.advance();
    scenario.bundle();
    scenario.advance(12);
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    isAway = false;
    scenario.advance(60);
    expect(scenario.posts("PostEvaluation")).toEqual([
      expect.objectContaining({ sender: away, refusal: "" }),
    ]);
    expect(scenario.slashes).toEqual([]);
  });

  test("an encoder that is killed after every single commit of the ledger does all the same", () => {
    const scenario = new Scenario();
    const killAll = () => {
      for (const id of scenario.actors.keys()) scenario.restart(id);
    };
    scenario.pay();
    scenario.draw();
    killAll();
    scenario.offerAll();
    killAll();
    scenario.select();
    scenario.advance();
    killAll();
    scenario.bundle();
    scenario.advance();
    killAll();
    for (let i = 0; i < 60; i++) {
      scenario.advance();
      killAll();
    }
    expect(scenario.job).toMatchObject({ outcome: "Settled" });
    expect(scenario.slashes).toEqual([]);
    const commits = scenario.received("Commit");
    for (const all of commits.values()) for (const one of all) expect(one).toEqual(all[0]);
  });
});
