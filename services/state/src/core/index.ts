export { applyToJob, jobOf } from "./game/apply.ts";
export type { GameContext, GameEffect, GameStep } from "./game/context.ts";
export { reachDeadline } from "./game/deadline.ts";
export { type Chosen, type Job, JobCodec, type Phase, type SlashCause } from "./game/job.ts";
export { type JobPayment, MAX_FINALS_BYTES, MIN_JOB_ENCODERS, payForJob } from "./game/pay.ts";
