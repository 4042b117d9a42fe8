export { accepted, deferred, type Replayed, rejected, replay, type Step, type Stepped } from "./step.ts";
export { accept, defer, reject, type Verdict } from "./verdict.ts";
