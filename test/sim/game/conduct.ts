import type { VectorKind } from "./vectors.ts";

/** What an encoder does in a job. The honest one is `HONEST_ENCODER`; a strategy changes some of it. */
export interface EncoderConduct {
  readonly receipt: boolean;
  readonly commit: "own" | "copied" | "never";
  /** "if-bad" is honest: only when the data is bad. */
  readonly optOut: "if-bad" | "always" | "yet-commits";
  readonly vectors: VectorKind;
  /** "header" signs a reveal but serves its vectors to nobody; "submitter-only" to the submitter alone. */
  readonly reveal: "own" | "mismatch" | "never" | "header" | "submitter-only";
  /** "forged" signs a result that makes its team win. */
  readonly evaluate: "own" | "never" | "forged" | "claims-missing";
  /** Watches the ledger and posts what keeps it from harm. */
  readonly watches: boolean;
  /** Commits as late as this many commits after the offer; earlier is better. */
  readonly delay: number;
}

export const HONEST_ENCODER: EncoderConduct = {
  receipt: true,
  commit: "own",
  optOut: "if-bad",
  vectors: "honest",
  reveal: "own",
  evaluate: "own",
  watches: true,
  delay: 1,
};

/** What the submitter does in its job. */
export interface SubmitterConduct {
  readonly data: "good" | "bad" | "withheld";
  /** "friends" takes its team first and then the slowest; "without" leaves the victims out. */
  readonly select: "first" | "friends" | "without" | "twice" | "never";
  readonly bundle: "all" | "friends" | "never";
  /** Brings receipts of those that it did not choose. */
  readonly bringsReceipts: boolean;
}

export const HONEST_SUBMITTER: SubmitterConduct = {
  data: "good",
  select: "first",
  bundle: "all",
  bringsReceipts: true,
};

/** Who deviates, and how. `team` are indices of encoders, in the order of quality (0 is the best). */
export interface Strategy {
  readonly name: string;
  readonly says: string;
  readonly team: readonly number[];
  /** The team owns the submitter too. */
  readonly ownsSubmitter: boolean;
  readonly encoder: Partial<EncoderConduct>;
  readonly submitter: Partial<SubmitterConduct>;
  /** Encoders that the strategy wants to harm. */
  readonly victims: readonly number[];
}
