export { type CodeEntry, GATEWAY_CODES, type GatewayCode } from "./codes.ts";
export {
  comparePlaces,
  type EventPosition,
  formatEventId,
  type Place,
  parseEventId,
} from "./event-place.ts";
export { nearestRoutes, pathMatches } from "./route-match.ts";
export { statusOf } from "./status.ts";
