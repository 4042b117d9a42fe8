import { TOKEN } from "@soma/protocol";
import type { EncoderConduct, Strategy, SubmitterConduct } from "./conduct.ts";

interface Entry {
  readonly name: string;
  readonly says: string;
  readonly team?: readonly number[];
  readonly ownsSubmitter?: boolean;
  readonly encoder?: Partial<EncoderConduct>;
  readonly submitter?: Partial<SubmitterConduct>;
  readonly victims?: readonly number[];
}

function strategy(entry: Entry): Strategy {
  return { team: [], ownsSubmitter: false, encoder: {}, submitter: {}, victims: [], ...entry };
}

/** Fee of the jobs that are measured, and of the tiny ones that only serve to harm. */
export const FEE = TOKEN;
export const TINY_FEE = 10_000n;

const MIDDLE = [5];
const LOSERS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const EIGHT = [4, 5, 6, 7, 8, 9, 10, 11];

/** What rational agents try. Encoders are numbered by quality, 0 the best of twelve with equal stake. */
export const STRATEGIES: readonly Strategy[] = [
  strategy({
    name: "stall",
    says: "never answers an offer",
    team: MIDDLE,
    encoder: { receipt: false, commit: "never", watches: false },
  }),
  strategy({
    name: "receipt-then-silence",
    says: "signs the receipt, never commits",
    team: MIDDLE,
    encoder: { commit: "never" },
  }),
  strategy({
    name: "slow",
    says: "commits two commits later than the others",
    team: MIDDLE,
    encoder: { delay: 3 },
  }),
  strategy({
    name: "silent-reveal",
    says: "commits, never reveals",
    team: MIDDLE,
    encoder: { reveal: "never" },
  }),
  strategy({
    name: "copy-commit",
    says: "commits to another's hash",
    team: MIDDLE,
    encoder: { commit: "copied" },
  }),
  strategy({
    name: "mismatch",
    says: "reveals other vectors than it committed to",
    team: MIDDLE,
    encoder: { reveal: "mismatch" },
  }),
  strategy({
    name: "header-only",
    says: "signs a reveal but serves no vectors",
    team: MIDDLE,
    encoder: { reveal: "header" },
  }),
  strategy({
    name: "opt-out-wrongly",
    says: "says that good data is bad",
    team: MIDDLE,
    encoder: { optOut: "always" },
  }),
  strategy({
    name: "opt-out-yet-commit",
    says: "opts out and commits",
    team: MIDDLE,
    encoder: { optOut: "yet-commits" },
  }),
  strategy({ name: "no-signature", says: "never evaluates", team: MIDDLE, encoder: { evaluate: "never" } }),
  strategy({
    name: "bag-of-words",
    says: "sends sums of fixed token vectors: differential loss near 0",
    team: MIDDLE,
    encoder: { vectors: "bag-of-words" },
  }),
  strategy({
    name: "good-bag-of-words",
    says: "the same with token vectors that agree well with the space",
    team: MIDDLE,
    encoder: { vectors: "good-bag-of-words" },
  }),
  strategy({
    name: "bag-of-words-three",
    says: "three of twelve send each its own bag of words",
    team: [4, 5, 6],
    encoder: { vectors: "bag-of-words" },
  }),
  strategy({
    name: "bag-of-words-four",
    says: "four of twelve do, which is more than a third of those chosen",
    team: [4, 5, 6, 7],
    encoder: { vectors: "bag-of-words" },
  }),
  strategy({
    name: "huge-norms",
    says: "scales its vectors by five",
    team: MIDDLE,
    encoder: { vectors: "huge" },
  }),
  strategy({
    name: "constant",
    says: "sends one vector for everything",
    team: MIDDLE,
    encoder: { vectors: "constant" },
  }),
  strategy({
    name: "not-a-number",
    says: "sends NaN, which quantisation refuses: its reveal has too few vectors",
    team: MIDDLE,
    encoder: { vectors: "malformed" },
  }),
  strategy({ name: "random", says: "sends random vectors", team: MIDDLE, encoder: { vectors: "random" } }),
  strategy({
    name: "losers-refuse-data",
    says: "the ten worst of twelve call good data bad",
    team: LOSERS,
    encoder: { optOut: "always" },
  }),
  strategy({
    name: "losers-claim-missing",
    says: "the ten worst say that the best one's vectors are missing",
    team: LOSERS,
    encoder: { evaluate: "claims-missing" },
  }),
  strategy({
    name: "third-stalls",
    says: "four of twelve never commit",
    team: [8, 9, 10, 11],
    encoder: { receipt: false, commit: "never", watches: false },
  }),
  strategy({
    name: "third-withholds-signatures",
    says: "five of twelve never evaluate",
    team: [7, 8, 9, 10, 11],
    encoder: { evaluate: "never" },
  }),
  strategy({
    name: "capture",
    says: "eight of twelve forge the result for one of theirs",
    team: EIGHT,
    encoder: { evaluate: "forged" },
  }),
  strategy({
    name: "withholds-data",
    says: "submitter pays and never offers",
    submitter: { data: "withheld" },
    ownsSubmitter: true,
  }),
  strategy({
    name: "bad-data",
    says: "submitter's data does not match its hash",
    submitter: { data: "bad" },
    ownsSubmitter: true,
  }),
  strategy({
    name: "no-selection",
    says: "submitter never selects",
    submitter: { select: "never" },
    ownsSubmitter: true,
  }),
  strategy({
    name: "two-selections",
    says: "submitter signs two selections",
    submitter: { select: "twice" },
    ownsSubmitter: true,
  }),
  strategy({
    name: "no-bundle",
    says: "submitter never bundles",
    submitter: { bundle: "never" },
    ownsSubmitter: true,
  }),
  strategy({
    name: "self-pay",
    says: "the best encoder pays itself for a job",
    team: [0],
    ownsSubmitter: true,
  }),
  strategy({
    name: "picks-friends",
    says: "submitter selects and bundles four friends and the worst others",
    team: [4, 5, 6, 7],
    ownsSubmitter: true,
    submitter: { select: "friends", bundle: "friends" },
  }),
  strategy({
    name: "steal-vectors-silent",
    says: "submitter's five friends never reveal, and it never bundles",
    team: [7, 8, 9, 10, 11],
    ownsSubmitter: true,
    encoder: { reveal: "never" },
    submitter: { select: "friends", bundle: "never" },
  }),
  strategy({
    name: "steal-vectors-missing",
    says: "submitter bundles a friend whose vectors nobody else can have",
    team: MIDDLE,
    ownsSubmitter: true,
    encoder: { reveal: "submitter-only", evaluate: "never" },
    submitter: { select: "friends" },
  }),
];

/** Played with a tiny fee: the harm is what matters. */
export const GRIEFS: readonly Strategy[] = [
  strategy({
    name: "unselect-rivals",
    says: "submitter leaves two rivals out and brings their receipts",
    ownsSubmitter: true,
    submitter: { select: "without" },
    victims: [0, 1],
  }),
  strategy({
    name: "capture-to-slash",
    says: "a captured quorum signs a forged result at once, so that the honest sign nothing",
    team: EIGHT,
    ownsSubmitter: true,
    encoder: { evaluate: "forged" },
    submitter: { select: "friends" },
    victims: [0, 1, 2, 3],
  }),
  strategy({
    name: "bundle-without-rivals",
    says: "submitter leaves rivals' reveals out of the bundle",
    team: EIGHT,
    ownsSubmitter: true,
    submitter: { bundle: "friends" },
    victims: [0, 1],
  }),
  strategy({
    name: "missing-to-slash",
    says: "a friend's vectors are withheld so that nobody can evaluate",
    team: MIDDLE,
    ownsSubmitter: true,
    encoder: { reveal: "submitter-only", evaluate: "never" },
    submitter: { select: "friends" },
    victims: [0, 1],
  }),
];
