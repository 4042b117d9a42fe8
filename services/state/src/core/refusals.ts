/**
 * Why the ledger does not execute a transaction. The first group costs nothing and leaves no leaf, since nobody is
 * known to have agreed to pay; the others cost the fee and change nothing else (LEDGER-1). Codes of the embedding
 * job stand with their rules in `game/`; shared/docs/protocol/ledger.md has them all.
 */
export const UNPAID_REFUSALS = {
  TX_MALFORMED: "not the canonical bytes of a transaction",
  TX_CHAIN: "of another chain",
  TX_SIGNATURE: "the sender's account did not sign it",
  TX_EXPIRED: "its last epoch has passed",
  SEQUENCE_STALE: "its sequence number was used",
  SEQUENCE_GAP: "an earlier sequence number is missing",
  FEE_BALANCE: "the balance does not cover base fee and tip",
  TX_OVERRIDDEN: "an override left it out, for good",
} as const;

export const PAID_REFUSALS = {
  AMOUNT_ZERO: "an amount of nothing",
  BALANCE_SHORT: "the balance is too small",
  OPERATOR_REGISTERED: "the account operates already",
  OPERATOR_UNKNOWN: "the account does not operate",
  OPERATOR_LEAVING: "it leaves at the end of the epoch already",
  COMMISSION_RANGE: "a commission is at most 10 000 basis points",
  ADDRESS_LENGTH: "a network address has 1 to 256 characters",
  KEY_WEAK: "an Ed25519 key of small order",
  KEY_POSSESSION: "possession of the BLS key is not proved",
  STAKE_BELOW_MINIMUM: "the stake is below the minimum",
  ASK_MODALITY: "an unknown or repeated modality",
  ASK_PRICE: "a price is at least 1",
  ASK_TOKENIZER: "not the governed tokenizer of the modality",
  STAKE_DUST: "less than the least delegation would be staked, or stay",
  STAKE_CROWDED: "the account has stake with as many operators as it may",
  STAKE_SHORT: "the account has not staked so much there",
  EVIDENCE_MALFORMED: "not two signed blocks, or checkpoints",
  EVIDENCE_SLOT: "equal, or not of one author, place and kept epoch",
  EVIDENCE_SIGNATURE: "a part is not signed by whom it names",
  EVIDENCE_KNOWN: "the author, or all of them, were punished for this epoch or a later one",
  VOTE_STRANGER: "the sender has no seat in the epoch's committee",
  VOTE_SELF: "nobody votes on itself",
  VOTE_ACCUSED: "no such validator",
  VOTE_STANDING: "the sender's vote on this validator stands already",
  VOTE_ABSENT: "the sender has no vote on this validator",
  JOB_EXISTS: "the job exists",
  JOB_CROWDED: "the commit took as many jobs as a commit may already",
  JOB_UNKNOWN: "no such open job",
} as const;
