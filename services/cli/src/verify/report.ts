import {
  type EncoderScore,
  type Hex32,
  RECEIPT_STAGES,
  type ReceiptStage,
  TOKEN,
  type VerifiedReceipt,
} from "@soma/protocol";

/** What each stage found, for a person. */
function findings(size: number, receipt: VerifiedReceipt): Record<ReceiptStage, string> {
  const { commits, result, seats, signers } = receipt;
  const qualified = result.scores.filter((score) => !score.disqualified).length;
  const masks = receipt.masks?.reduce((sum, ofItem) => sum + ofItem.length, 0);
  return {
    RECEIPT_FORMAT: `${size} bytes`,
    RECEIPT_GENESIS: `chain ${receipt.chainId}, ${short(receipt.genesis)}`,
    RECEIPT_CHAIN: `${receipt.checkpoints} certificates, ${receipt.handovers} hand-overs`,
    RECEIPT_INCLUSION: `commits ${commits.paid} to ${commits.closed}`,
    RECEIPT_PAYMENT: `job ${short(receipt.job)} by ${short(receipt.payer)}, ${tokens(receipt.fee)} and a tip of ${tokens(receipt.tip)}`,
    RECEIPT_DATA: `${receipt.items.length} items, ${short(receipt.dataHash)}`,
    RECEIPT_DRAW: `${seats.drawn} seats by the beacon of commit ${commits.drawn}, attempt ${receipt.attempt}`,
    RECEIPT_SELECTION: `${receipt.selected.length} encoders, ${seats.selected} seats (quorum ${seats.quorum})`,
    RECEIPT_REVEALS: `${result.scores.length} as committed and signed`,
    RECEIPT_MASKS: masks === undefined ? "as many as the winner's" : `${masks} drawn anew`,
    RECEIPT_EVALUATION: `recomputed, ${qualified} of ${result.scores.length} qualified`,
    RECEIPT_PROOF:
      signers === null
        ? "none: the majority of evaluations on the ledger stands"
        : `signed by ${signers.encoders.length} encoders with ${signers.seats} of ${seats.selected} seats`,
    RECEIPT_OUTCOME: result.winner === null ? "refunded, nobody qualified" : `${tokens(receipt.paid)} paid`,
  };
}

/** Lines for a genuine receipt: a tick a stage, then the result. */
export function genuine(
  size: number,
  receipt: VerifiedReceipt,
  nameOf: (id: Hex32) => string | undefined = () => undefined,
): string[] {
  const named = (id: Hex32) => [id, nameOf(id)].filter((part) => part !== undefined).join("  ");
  const found = findings(size, receipt);
  const lines = RECEIPT_STAGES.map(({ code, title }) => line("✓", title, found[code]));
  const { winner, scores } = receipt.result;
  const score = scores.find(({ encoder }) => encoder === winner);
  lines.push("");
  lines.push(`winner  ${winner === null ? "none" : named(winner)}`);
  if (score !== undefined) lines.push(`loss    ${lossOf(score)}, outlier factor ${factorOf(score)}`);
  for (const encoder of receipt.signers?.encoders ?? []) lines.push(`signer  ${named(encoder)}`);
  lines.push("verified from the genesis file alone");
  return lines;
}

/** Lines for a refused receipt: ticks up to the stage that failed; why goes to standard error. */
export function refused(code: string): string[] {
  const failed = RECEIPT_STAGES.findIndex((stage) => stage.code === code);
  const passed = RECEIPT_STAGES.slice(0, Math.max(failed, 0)).map(({ title }) => line("✓", title, ""));
  const title = RECEIPT_STAGES[failed]?.title ?? "receipt";
  return [...passed, line("✗", title, ""), "", "this receipt proves nothing"];
}

/** The same for programs. Money and losses are decimal strings. */
export function genuineJson(receipt: VerifiedReceipt): object {
  const { result, signers, outcome, commits } = receipt;
  return {
    verified: true,
    chainId: receipt.chainId,
    genesis: receipt.genesis,
    job: receipt.job,
    payer: receipt.payer,
    epoch: receipt.epoch.toString(),
    commits: Object.fromEntries(Object.entries(commits).map(([name, commit]) => [name, commit.toString()])),
    modality: receipt.modality,
    items: result.items,
    dataHash: receipt.dataHash,
    attempt: receipt.attempt,
    seats: receipt.seats,
    selected: receipt.selected,
    masks: receipt.masks?.map((ofItem) => ofItem.length) ?? null,
    outcome: outcome.$kind,
    winner: result.winner,
    fee: receipt.fee.toString(),
    tip: receipt.tip.toString(),
    paid: receipt.paid.toString(),
    finalsRoot: result.finalsRoot,
    scores: result.scores.map((score) => ({
      encoder: score.encoder,
      lossPpb: score.lossPpb.toString(),
      lofMicro: score.lofMicro.toString(),
      composite: score.composite.toString(),
      disqualified: score.disqualified,
    })),
    signers: signers === null ? null : { encoders: signers.encoders, seats: signers.seats },
  };
}

function line(mark: string, title: string, found: string): string {
  return `${mark} ${title.padEnd(50)} ${found}`.trimEnd();
}

function short(hash: string): string {
  return `${hash.slice(0, 12)}…`;
}

function lossOf({ lossPpb }: EncoderScore): string {
  return decimal(lossPpb, 1_000_000_000n, 9);
}

function factorOf({ lofMicro }: EncoderScore): string {
  return decimal(lofMicro, 1_000_000n, 6);
}

function tokens(amount: bigint): string {
  return `${decimal(amount, TOKEN, 9)} tokens`;
}

function decimal(value: bigint, unit: bigint, digits: number): string {
  return `${value / unit}.${(value % unit).toString().padStart(digits, "0")}`;
}
