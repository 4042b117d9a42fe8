import type { Address } from "@soma/protocol";

/**
 * Why an accepted transaction left the pool without having been seen executed. What the ledger says of it comes first:
 * one that was in a block already may execute all the same.
 */
export const DEPARTURES = {
  expired: "its last valid epoch has passed",
  replaced: "the sender replaced it by one with a higher tip",
  evicted: "the pool was full, and it gave way to one that pays more a byte",
  "sequence-used": "a commit used its sequence number",
  unpayable: "the sender's balance no longer covers its fee",
} as const;
export type DepartureReason = keyof typeof DEPARTURES;

export interface Departure {
  readonly digest: string;
  readonly reason: DepartureReason;
  /** The transaction that took its place. */
  readonly by: string | null;
  readonly sender: Address;
}
