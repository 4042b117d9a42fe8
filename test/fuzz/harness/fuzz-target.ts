import fc from "fast-check";
import { edit, edits } from "./mutate-bytes.ts";
import { editJson, jsonEdits } from "./mutate-json.ts";
import { type FuzzTarget, judge } from "./target.ts";

const SLOW_MICROSECONDS = 200_000;

export interface FuzzRun {
  readonly seed: number;
  /** Inputs beside the corpus and the fixtures. */
  readonly runs: number;
  /** Inputs that failed once; tried first. */
  readonly fixtures: readonly Uint8Array[];
  /** Told of every input before it is tried. */
  readonly onInput: (bytes: Uint8Array) => void;
}

export interface Fault {
  readonly reason: string;
  readonly bytes: Uint8Array;
}

/** The first input of which the target's answer is wrong, made as small as it gets; undefined if there is none. */
export async function fuzzTarget(target: FuzzTarget, run: FuzzRun): Promise<Fault | undefined> {
  const fault = async (bytes: Uint8Array): Promise<Fault | undefined> => {
    run.onInput(bytes);
    const reason = await judge(target, bytes);
    return reason === undefined ? undefined : { reason, bytes };
  };
  for (const bytes of run.fixtures) {
    const found = await fault(bytes);
    if (found !== undefined) return found;
  }
  const corpus = await target.corpus();
  for (const bytes of corpus) {
    const found = await fault(bytes);
    if (found !== undefined) return found;
    const taken = await target.decode(bytes.slice());
    if (!taken.ok) return { reason: `a valid input is refused: ${taken.code} ${taken.message}`, bytes };
  }

  let last: Fault | undefined;
  let isSlow = false;
  const details = await fc.check(
    fc.asyncProperty(inputsOf(target, corpus), async (bytes) => {
      // What takes long is not made smaller: every attempt would take as long.
      if (isSlow) return true;
      const began = process.threadCpuUsage().user;
      const found = await fault(bytes);
      if (found === undefined) return true;
      isSlow = process.threadCpuUsage().user - began > SLOW_MICROSECONDS;
      last = found;
      return false;
    }),
    { seed: run.seed, numRuns: Math.ceil(run.runs * (target.share ?? 1)) },
  );
  return details.failed ? last : undefined;
}

function inputsOf(target: FuzzTarget, corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(corpus.length - 1);
  const changed = fc
    .record({ base: place, other: place, changes: edits })
    .map(({ base, other, changes }) => edit(corpus[base]!, corpus[other]!, changes, target.maxBytes));
  const noise = fc.uint8Array({ maxLength: 300 });
  if (target.form === "bytes")
    return fc.oneof({ arbitrary: changed, weight: 15 }, { arbitrary: noise, weight: 1 });
  const values = corpus.map((bytes) => JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown);
  const restated = fc
    .record({ base: place, changes: jsonEdits })
    .map(({ base, changes }) => editJson(values[base], changes).subarray(0, target.maxBytes));
  const anything = fc.json().map((text) => new Uint8Array(Buffer.from(text)));
  return fc.oneof(
    { arbitrary: restated, weight: 10 },
    { arbitrary: changed, weight: 4 },
    { arbitrary: anything, weight: 1 },
    { arbitrary: noise, weight: 1 },
  );
}
