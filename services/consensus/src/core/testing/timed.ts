import type { ConsensusInput } from "../index.ts";

/** An input whose time of day is that of its steady clock, unless it says another. */
export type TestInput<I = ConsensusInput> = I extends unknown
  ? Omit<I, "wallMs"> & { readonly wallMs?: number }
  : never;

export function timed(input: TestInput): ConsensusInput {
  return { wallMs: input.nowMs, ...input } as ConsensusInput;
}
