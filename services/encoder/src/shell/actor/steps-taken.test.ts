import { describe, expect, test } from "vitest";
import type { EncoderEffect } from "../../core/effect.ts";
import type { EncoderJob } from "../../core/job.ts";
import { type EncoderState, emptyState } from "../../core/state.ts";
import { type InputBytes, StepsTaken } from "./steps-taken.ts";

const JOBS = ["a", "b"].map((letter) => letter.repeat(64)) as [string, string];
const [A, B] = JOBS;

/** A state of jobs that are told apart by how far they are. */
function stateOf(jobs: Record<string, number>): EncoderState {
  const made = Object.entries(jobs).map(([id, reminders]) => ({ id, reminders }) as EncoderJob);
  return { ...emptyState(), jobs: new Map(made.map((job) => [job.id, job])) };
}

function effect(kind: "forget" | "keep-vectors" | "keep-finals", job: string): EncoderEffect {
  return { kind, job } as EncoderEffect;
}

function stepsFrom(state: EncoderState) {
  const steps = new StepsTaken(state);
  let present = state;
  return {
    steps,
    /** Changes some jobs and leaves the others as they are. */
    add(jobs: Record<string, number | undefined>, effects: EncoderEffect[] = [], bytes: InputBytes = {}) {
      const next = new Map(present.jobs);
      for (const [id, reminders] of Object.entries(jobs))
        if (reminders === undefined) next.delete(id);
        else next.set(id, { id, reminders } as EncoderJob);
      present = { ...present, jobs: next };
      steps.add({ state: present, effects }, bytes);
    },
  };
}

const light = (name: string) => () => new TextEncoder().encode(name);

describe("steps that are written together", () => {
  test("leave each job as it was last, and none that did not change", () => {
    const { steps, add } = stepsFrom(stateOf({ [A]: 0, [B]: 0 }));
    add({ [A]: 1 });
    add({ [A]: 2 });
    add({});
    expect(steps.writes(undefined)).toEqual({
      jobs: [{ id: A, reminders: 2 }],
      forgotten: [],
      bulk: [],
      light: undefined,
    });
    expect(steps.state.jobs.get(A)).toMatchObject({ reminders: 2 });
  });

  test("do not store a job that they forget", () => {
    const { steps, add } = stepsFrom(stateOf({ [A]: 0, [B]: 0 }));
    add({ [A]: 1, [B]: 1 });
    expect(steps.hasForgotten).toBe(false);
    add({ [A]: undefined }, [effect("forget", A)]);
    expect(steps.hasForgotten).toBe(true);
    expect(steps.writes(undefined)).toMatchObject({ jobs: [{ id: B }], forgotten: [A] });
  });

  test("keep bytes under what they are", () => {
    const { steps, add } = stepsFrom(stateOf({ [A]: 0 }));
    const [vectors, finals] = [new Uint8Array([1]), new Uint8Array([2])];
    add({ [A]: 1 }, [effect("keep-vectors", A)], { bulk: vectors });
    add({ [A]: 2 }, [effect("keep-finals", A)], { bulk: finals });
    expect(steps.writes(undefined).bulk).toEqual([
      { job: A, kind: "vectors", bytes: vectors },
      { job: A, kind: "finals", bytes: finals },
    ]);
  });

  test("store the newest light client with a job, or when it is due, and else leave it for later", () => {
    const { steps, add } = stepsFrom(stateOf({}));
    add({}, [], { light: light("first") });
    add({}, [], { light: light("second") });
    expect(steps.isLightDue).toBe(false);
    expect(steps.writes(steps.light).light).toBeUndefined();
    add({}, [], { isLightDue: true });
    expect(steps.writes(steps.light).light).toEqual(light("second")());
    const busy = stepsFrom(stateOf({}));
    busy.add({ [A]: 1 });
    expect(busy.steps.writes(light("of before")).light).toEqual(light("of before")());
  });

  test("are as before when one lacks its bytes", () => {
    const { steps, add } = stepsFrom(stateOf({ [A]: 0 }));
    const before = steps.state;
    expect(() => add({ [A]: 1 }, [effect("keep-vectors", A)])).toThrow("keep-vectors without bytes");
    expect(steps.state).toBe(before);
    expect(steps.writes(undefined)).toEqual({ jobs: [], forgotten: [], bulk: [], light: undefined });
  });
});
