export {
  type Evaluated,
  type EvaluationRequest,
  evaluateRequest,
  isRevealed,
  largestBlob,
} from "./evaluate-request.ts";
