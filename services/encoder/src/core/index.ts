export { checkItems, type PaidItems } from "./check-items.ts";
export type { EncoderContext, EncoderSigner } from "./context.ts";
export type { EncoderEffect, Milestone, RevealToEvaluate } from "./effect.ts";
export type { EncoderInput, FetchOutcome } from "./input.ts";
export { type EncoderJob, EncoderJobCodec } from "./job.ts";
export { type EncoderState, emptyState } from "./state.ts";
export { step } from "./step.ts";
