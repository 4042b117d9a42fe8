import { CLAIMS, type Table } from "./claims.ts";
import { type Measured, measure } from "./measure.ts";
import { FEE, GRIEFS, STRATEGIES, TINY_FEE } from "./strategies.ts";
import { BASE_FEE, ENCODERS, STAKE } from "./world.ts";

export interface ReportOptions {
  readonly firstSeed: number;
  readonly jobs: number;
}

export function measureAll({ firstSeed, jobs }: ReportOptions): Table {
  const rows = new Map<string, Measured>();
  for (const strategy of STRATEGIES)
    rows.set(strategy.name, measure(strategy, { firstSeed, jobs, fee: FEE }));
  for (const strategy of GRIEFS)
    rows.set(strategy.name, measure(strategy, { firstSeed, jobs, fee: TINY_FEE }));
  return rows;
}

function tokens(amount: bigint, digits = 4): string {
  const text = (Number(amount) / 1e9).toFixed(digits);
  return text === `-${(0).toFixed(digits)}` ? (0).toFixed(digits) : text;
}

function counts(map: ReadonlyMap<string, number>): string {
  return [...map].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

function line(measured: Measured, digits: number): string {
  const { strategy } = measured;
  const others = measured.strategy.ownsSubmitter ? "" : tokens(measured.payerGain, digits);
  return `| ${strategy.name} | ${strategy.says} | ${tokens(measured.net, digits)} | ${tokens(measured.gain, digits)} | ${tokens(measured.othersGain, digits)} | ${others} | ${tokens(measured.teamSlashed, digits)} | ${tokens(measured.othersSlashed, digits)} | ${measured.won} (${measured.wonHonestly}) | ${counts(measured.outcomes)} | ${counts(measured.causes)} |`;
}

const HEAD = `| strategy | what it does | net | gain | other encoders | payer | slashed | others slashed | won (honest) | outcomes | slashes |
|---|---|---|---|---|---|---|---|---|---|---|`;

/** The whole page. @throws if a claim does not hold in the numbers: the text is then wrong and must be changed. */
export function renderReport(table: Table, { firstSeed, jobs }: ReportOptions): string {
  for (const claim of CLAIMS) {
    if (!claim.holds(table)) throw new Error(`the numbers do not bear out: ${claim.says}`);
  }
  const rows = (names: readonly { name: string }[], digits: number) =>
    names.map(({ name }) => line(table.get(name)!, digits)).join("\n");
  const selfPay = table.get("self-pay")!;
  const reward = (num: bigint, den: bigint) => tokens(selfPay.net + (selfPay.burned * num) / den);
  const list = (pays: boolean) =>
    CLAIMS.filter((claim) => claim.pays === pays)
      .map((claim) => `* ${claim.says}`)
      .join("\n");
  return `# What rational agents gain in the embedding game

Made by \`node tools/game-report.ts\`; do not edit. Seeds ${firstSeed} to ${firstSeed + jobs - 1}, ${jobs} jobs a strategy, each played twice:
with the strategy and with everybody honest. The state machine is the ledger's own (\`services/state/src/core/game\`),
scores are \`evaluateJob\`'s; the vectors are synthetic (a latent true vector and noise that differs by encoder), so this
page is about the game and says nothing of models.

${ENCODERS} encoders of ${tokens(STAKE, 0)} tokens stake each, numbered by quality; 61 seats, quorum 49; base fee ${BASE_FEE} base units. Numbers are
tokens a job, liquid and staked together. **net** is the deviating side's own sum (its team, and the submitter if it
owns it), **gain** the same less what honest play of the same seeds brought; the next two columns are the gains of the
other encoders and of an honest payer. A submitter's gain is not all profit: where no result came, it has no vectors.

## Findings

${list(false)}

What the rules do not stop:

${list(true)}

## Jobs of 1 token

${HEAD}
${rows(STRATEGIES, 4)}

Paying oneself for a job, with network rewards (ECON-3): at the four times of what the job burned that PROTOCOL allows,
the net a job is ${reward(4n, 1n)} tokens; at one time ${reward(1n, 1n)}; at the half that ADR 0004 sets ${reward(1n, 2n)}.

## Tiny jobs, sent to harm (fee ${TINY_FEE} base units)

${HEAD}
${rows(GRIEFS, 6)}
`;
}
