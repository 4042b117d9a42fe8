/**
 * A long computation that may rest wherever it yields: whoever runs it decides how long it goes on in one go, and what it
 * computes does not depend on that.
 */
export type Sliced<T> = Generator<void, T, void>;

/** Runs a computation to its end without a rest. */
export function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
