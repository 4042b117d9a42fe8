import type { FuzzTarget } from "../harness/target.ts";
import { CONTRACT_TARGETS } from "./contracts.ts";
import { FILE_TARGETS } from "./files.ts";
import { ITEM_TARGETS } from "./items.ts";
import { PEER_TARGETS } from "./peers.ts";
import { PROTOCOL_TARGETS } from "./protocol.ts";

/** Every decoder that faces a peer or a client; README.md tells who hands what to each. */
export const TARGETS: readonly FuzzTarget[] = [
  ...PROTOCOL_TARGETS,
  ...PEER_TARGETS,
  ...ITEM_TARGETS,
  ...FILE_TARGETS,
  ...CONTRACT_TARGETS,
];
