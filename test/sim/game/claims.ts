import type { Measured } from "./measure.ts";

export type Table = ReadonlyMap<string, Measured>;

/** A sentence of the report, and what must hold in the numbers for it to be said. */
export interface Claim {
  readonly says: string;
  readonly pays: boolean;
  holds(table: Table): boolean;
}

function claim(says: string, holds: (table: Table) => boolean, pays = false): Claim {
  return { says, holds, pays };
}

const row = (table: Table, name: string): Measured => {
  const found = table.get(name);
  if (found === undefined) throw new Error(`no strategy ${name} was measured`);
  return found;
};
const loses = (name: string) => (table: Table) => row(table, name).gain < 0n;
const only = (table: Table, name: string, outcome: string) => {
  const measured = row(table, name);
  return measured.outcomes.get(outcome) === measured.jobs;
};
const mostly = (table: Table, name: string, outcome: string) => {
  const measured = row(table, name);
  return 2 * (measured.outcomes.get(outcome) ?? 0) > measured.jobs;
};

export const CLAIMS: readonly Claim[] = [
  claim(
    "A chosen encoder that does not reveal loses a twentieth of its stake, and the job is not held up.",
    (t) => loses("silent-reveal")(t) && only(t, "silent-reveal", "Settled"),
  ),
  claim(
    "Copying a commit and revealing other vectors than committed lose the same; whoever brings the evidence earns.",
    (t) => loses("copy-commit")(t) && loses("mismatch")(t) && row(t, "mismatch").payerGain > 0n,
  ),
  claim(
    "Opting out and yet committing, and not answering in the evaluation, cost a tenth of the stake.",
    (t) => loses("opt-out-yet-commit")(t) && loses("no-signature")(t),
  ),
  claim(
    "Signing a receipt and then not committing, or committing too late, costs the seats' part of the fee, never more.",
    (t) => {
      const measured = row(t, "receipt-then-silence");
      return measured.gain < 0n && -measured.gain < 1_000_000_000n;
    },
  ),
  claim("A single bag of words, huge norms, constants, random vectors and what was NaN never win.", (t) =>
    ["bag-of-words", "huge-norms", "constant", "random", "not-a-number"].every(
      (name) => row(t, name).won === 0,
    ),
  ),
  claim(
    "A third of the encoders that withhold their signatures are slashed, and the job settles all the same.",
    (t) => loses("third-withholds-signatures")(t) && only(t, "third-withholds-signatures", "Settled"),
  ),
  claim(
    "A submitter that vanishes after the selection changes nothing: the reveals on the ledger are evaluated.",
    (t) => only(t, "no-bundle", "Settled"),
  ),
  claim(
    "Two signed selections forfeit the whole fee.",
    (t) => only(t, "two-selections", "Voided") && row(t, "two-selections").net <= -1_000_000_000n,
  ),
  claim(
    "Taking the vectors without a result costs half of the fee, and with silent friends their slashes beside it.",
    (t) =>
      row(t, "steal-vectors-missing").net <= -500_000_000n &&
      row(t, "steal-vectors-silent").net < -1_000_000_000n,
  ),
  claim(
    "Paying oneself, and picking friends, loses what is burned.",
    (t) => row(t, "self-pay").net < 0n && row(t, "picks-friends").net < 0n,
  ),
  claim(
    "Tiny jobs cannot be used to slash rivals: left out of the selection, of the bundle, or overruled by a captured quorum, they lose less than a thousandth of a token.",
    (t) =>
      ["unselect-rivals", "capture-to-slash", "bundle-without-rivals", "missing-to-slash"].every(
        (name) => row(t, name).othersSlashed < 1_000_000n,
      ),
  ),
  claim(
    "Saying wrongly that the best encoder's vectors are missing earns nothing; the named one loses at most its seats' part.",
    (t) =>
      row(t, "losers-claim-missing").net <= 0n &&
      row(t, "losers-claim-missing").othersSlashed < 1_000_000_000n,
  ),
  claim(
    "STILL PAYS: more than a third of those chosen sending bags of words beat the outlier filter, which drops at most a third, and one of them wins nearly every job.",
    (t) =>
      row(t, "bag-of-words-four").gain > 0n &&
      2 * row(t, "bag-of-words-four").won > row(t, "bag-of-words-four").jobs,
    true,
  ),
  claim(
    "STILL PAYS: three of twelve doing so win about a quarter of the jobs, none of which they would win honestly.",
    (t) => row(t, "bag-of-words-three").gain > 0n && row(t, "bag-of-words-three").won > 0,
    true,
  ),
  claim(
    "STILL PAYS: a bag of words that agrees with the space well enough to be no outlier wins alone.",
    (t) => row(t, "good-bag-of-words").gain > 0n,
    true,
  ),
  claim(
    "STILL PAYS: a quorum of more than two thirds of the selected seats forges any result. With a third of the stake dishonest and the submitter theirs this is 33 of 61 seats, probability 6.7e-4 a draw, not 10^-13.",
    (t) => row(t, "capture").gain > 0n,
    true,
  ),
  claim(
    "STILL COSTS NOTHING: encoders that never answer an offer. A third of them doing so stops the job; the payer has 95 % back.",
    (t) => row(t, "stall").gain >= 0n && mostly(t, "third-stalls", "Refunded:attempts-exhausted"),
    true,
  ),
  claim(
    "STILL PAYS A LITTLE: encoders that hardly ever win save the risk of being left out by calling good data bad; with quorum seats of them the job ends and a tenth is burned.",
    (t) => row(t, "losers-refuse-data").gain > 0n && mostly(t, "losers-refuse-data", "BadData"),
    true,
  ),
];
