/**
 * Headers of questions to state and of its answers, over NATS and over HTTP alike. Numbers are decimal.
 *
 * An answer is read from one moment of the ledger, and says from which: its last certified checkpoint and its last
 * commit. Who needs at least a checkpoint says so, and gets that or the refusal STATE_BEHIND.
 */
export const STANDING = {
  checkpoint: "Soma-Checkpoint",
  commit: "Soma-Commit",
  atLeast: "Soma-At-Least-Checkpoint",
} as const;
