import type { BlockBody, BlockRef } from "@soma/protocol";

/**
 * A block that passed `verifyBlock` (or is bound by a certified commit): its decoded body, the bytes as received,
 * and the reference by the digest of exactly those bytes (CONS-2). Never changed after it is made.
 */
export interface VerifiedBlock {
  readonly ref: BlockRef;
  readonly body: BlockBody;
  readonly bytes: Uint8Array;
}
