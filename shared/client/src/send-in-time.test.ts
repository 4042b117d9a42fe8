import { SomaError } from "@soma/base";
import { describe, expect, test } from "vitest";
import type { ClosedJob } from "./job-facts.ts";
import { sendInTime } from "./send-in-time.ts";
import { Waiting } from "./waiting.ts";

const PARAMETERS = { selectTimeout: 10, revealTimeout: 10, proofTimeout: 10 };
const CLOSED: ClosedJob = {
  outcome: { $kind: "Refunded", Refunded: { refunded: 1n, cause: "reveals-short" } },
  byProof: false,
};

/** A send that ends with `error`, and what the light client proves meanwhile. */
function sending(error: Error | undefined) {
  const never = new AbortController().signal;
  const waiting = new Waiting(never, never);
  const facts: { head: bigint; closed: ClosedJob | undefined } = { head: 5n, closed: undefined };
  const send = async () => {
    if (error !== undefined) throw error;
  };
  const state = { isOver: false };
  const what = { name: "bundle", send } as const;
  const done = sendInTime({ facts, waiting, parameters: PARAMETERS }, what, () => state.isOver);
  return { facts, waiting, state, done };
}

const refusal = () => new SomaError("JOB_PHASE", "refused", { refusedBy: "ledger" });

describe("what has a deadline on the ledger", () => {
  test("is sent, and taken", async () => {
    expect(await sending(undefined).done).toBe(true);
  });

  test("refused as too late, it waits for the proven end of the job", async () => {
    const { facts, waiting, done } = sending(refusal());
    facts.closed = CLOSED;
    waiting.changed();
    expect(await done).toBe(false);
  });

  test("refused because it is there already, it goes on", async () => {
    const { state, waiting, done } = sending(refusal());
    state.isOver = true;
    waiting.changed();
    expect(await done).toBe(false);
  });

  test("refused, and no end within the ledger's own deadlines: the refusal, and what to do", async () => {
    const { facts, waiting, done } = sending(refusal());
    facts.head = 36n;
    waiting.changed();
    await expect(done).rejects.toMatchObject({
      code: "JOB_PHASE",
      message: expect.stringContaining("run the same command again"),
    });
  });

  test("any other failure is not waited upon", async () => {
    const error = new SomaError("GATEWAY_UNREACHABLE", "gone");
    await expect(sending(error).done).rejects.toBe(error);
  });
});
