/** Why a transaction is not admitted. Clients match on the code. */
export const MEMPOOL_REFUSALS = {
  MEMPOOL_MALFORMED: "not the canonical bytes of a transaction, or too large",
  MEMPOOL_CHAIN: "of another chain",
  MEMPOOL_EXPIRED: "its last valid epoch has passed",
  MEMPOOL_SIGNATURE: "the sender's account did not sign it",
  MEMPOOL_ACCOUNT: "the sender holds nothing",
  MEMPOOL_BALANCE: "the balance does not cover the fees of the sender's waiting transactions",
  MEMPOOL_TIP_LOW: "the tip is below what the pool's fill asks",
  MEMPOOL_SEQUENCE_STALE: "its sequence number was used",
  MEMPOOL_SEQUENCE_FAR: "its sequence number is too far ahead",
  MEMPOOL_SEQUENCE_TAKEN:
    "another transaction waits with this sequence number and a tip that this one does not beat",
  MEMPOOL_QUOTA: "the sender has too much waiting",
  MEMPOOL_BUSY: "the sender moves to another replica just now",
  MEMPOOL_CONGESTED: "more comes than blocks take, and the tip is below the base fee",
  MEMPOOL_ELSEWHERE: "another replica has its sender: between services only, which send it there",
  MEMPOOL_FULL: "the pool is full of what pays more, or of senders within their fair share",
} as const;
export type MempoolRefusal = keyof typeof MEMPOOL_REFUSALS;
