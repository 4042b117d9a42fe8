export {
  AdmissionDesk,
  type AdmissionGrant,
  type AdmissionInput,
  type AdmissionOptions,
} from "./admission.ts";
export {
  type AdmissionAnswer,
  type AdmissionRequest,
  admissionSigningBytes,
  answerSigningBytes,
} from "./admission-bytes.ts";
export {
  type CanaryKind,
  canaryBody,
  type LinkPulse,
  linkPulse,
  type PulseLimits,
  readCanary,
} from "./canary.ts";
export { type Conduct, type ConductLimits, GOOD_CONDUCT, isBanned, strike } from "./conduct.ts";
export { type Draft, type Frame, readFrame, sealFrame } from "./frame.ts";
export { type Admitted, Ingress, type IngressOptions, type Screened } from "./ingress.ts";
export { type DialTarget, type PeerChoice, parsePeers, planLinks } from "./link-plan.ts";
export { isLive, mayExchange, type PeerKind } from "./message-types.ts";
export { ReplayWindow } from "./replay-window.ts";
export { HOMES, type Peer, Roster } from "./roster.ts";
export { type Addressing, type Routed, routeOwn, routeReceived, type Situation } from "./routing.ts";
export { type Queued, type QueueLimits, SendQueue } from "./send-queue.ts";
export { Sequencer, sequenceAt } from "./sequencer.ts";
export {
  type BucketLimits,
  fullBucket,
  fullBuckets,
  type PeerBuckets,
  type PeerLimits,
  type TokenBucket,
  takeMessage,
  takeTokens,
} from "./token-bucket.ts";
