import { accept, defer, reject, type Verdict } from "./verdict.ts";

/** The outcome of one input: the next state, what the shell is to do, and the verdict on the input. */
export interface Stepped<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly verdict: Verdict;
}

/**
 * An actor core. Synchronous and total: no clock (the time is in the input), no randomness (entropy is in the
 * input), no I/O, no await, no throw for bad input. A recorded list of inputs therefore repeats a run exactly.
 */
export type Step<State, Input, Effect> = (state: State, input: Input) => Stepped<State, Effect>;

/** The input was taken: go on with `state` and carry `effects` out. */
export function accepted<State, Effect = never>(
  state: State,
  effects: readonly Effect[] = [],
): Stepped<State, Effect> {
  return { state, effects, verdict: accept };
}

/** The input cannot be judged yet. `state` is normally unchanged; `effects` may ask for what is missing. */
export function deferred<State, Effect = never>(
  state: State,
  delayMs: number,
  effects: readonly Effect[] = [],
): Stepped<State, Effect> {
  return { state, effects, verdict: defer(delayMs) };
}

/** The input is refused for good with a stable code. */
export function rejected<State, Effect = never>(
  state: State,
  code: string,
  effects: readonly Effect[] = [],
): Stepped<State, Effect> {
  return { state, effects, verdict: reject(code) };
}

/** What a run of inputs left behind: the last state, and each step's effects and verdict in order. */
export interface Replayed<State, Effect> {
  readonly state: State;
  readonly steps: readonly Stepped<State, Effect>[];
}

/** Feeds a recorded list of inputs to a core. */
export function replay<State, Input, Effect>(
  step: Step<State, Input, Effect>,
  initial: State,
  inputs: Iterable<Input>,
): Replayed<State, Effect> {
  const steps: Stepped<State, Effect>[] = [];
  let state = initial;
  for (const input of inputs) {
    const stepped = step(state, input);
    steps.push(stepped);
    state = stepped.state;
  }
  return { state, steps };
}
