import { type Rational, toNumber } from "@soma/sampling";
import { durationText, powerText, shareText, significant } from "../number-text.ts";
import { type Cell, cell, type StudyColumn, type StudyTable } from "../study-table.ts";
import { covers, type Estimate } from "./core/estimate.ts";
import type { EventName, Shard } from "./core/events.ts";
import type { BudgetRow, CaptureRow, EventTails, PoissonRow, SizeRow } from "./core/exact-studies.ts";
import type { SecurityReport } from "./core/report.ts";
import type { DrawRow, StallRow } from "./core/simulated-studies.ts";

const EVENT_TEXT: Readonly<Record<EventName, string>> = {
  quorum: "a quorum",
  proof: "a final proof",
  majority: "a majority",
};

function left(title: string, csv: string): StudyColumn {
  return { title, csv: [csv] };
}

function right(title: string, ...csv: readonly string[]): StudyColumn {
  return { title, csv, align: "right" };
}

function drawn(title: string, name: string): StudyColumn {
  const csv = ["value", "low", "high", "hits", "draws"].map((part) => `${name}_${part}`);
  return { title, csv, align: "right", isDrawn: true };
}

const TAIL_COLUMNS = [
  right("P[a quorum]", "quorum_tail"),
  right("P[a final proof]", "proof_tail"),
  right("P[a majority]", "majority_tail"),
];

function count(value: number): Cell {
  return cell(String(value));
}

function share(value: Rational): Cell {
  return cell(shareText(value), toNumber(value));
}

function quorum({ num, den }: Rational): Cell {
  const tenths = (num * 10n) / den;
  return cell(`${tenths}/10`, toNumber({ num, den }));
}

function shardCells(shard: Shard): Cell[] {
  return [quorum(shard.quorum), count(shard.seats)];
}

function probability(value: Rational): Cell {
  return cell(significant(toNumber(value)), toNumber(value));
}

function tailCells({ quorum, proof, majority }: EventTails): Cell[] {
  return [quorum, proof, majority].map(probability);
}

function estimate(found: Estimate): Cell {
  const { value, low, high, hits, draws } = found;
  const text = `${significant(value)} [${significant(low)}, ${significant(high)}]`;
  return cell(text, value, low, high, hits, draws);
}

function sizesTable(rows: readonly SizeRow[]): StudyTable {
  return {
    name: "sizes",
    title: "Shard size against network size (SHARD-2; the rows of stake: SHARD-1)",
    columns: [
      left("network", "network"),
      right("dishonest", "dishonest"),
      right("Q", "quorum"),
      right("size", "size"),
      right("first size", "first"),
      ...TAIL_COLUMNS,
    ],
    rows: rows.map((row) => [
      row.encoders === null
        ? cell("any, seats by stake", "stake")
        : cell(`${row.encoders} equal`, row.encoders),
      row.dishonest === null ? cell("", "") : count(row.dishonest),
      quorum(row.quorum),
      count(row.size),
      count(row.first),
      ...tailCells(row.tails),
    ]),
  };
}

function budgetsTable(rows: readonly BudgetRow[]): StudyTable {
  return {
    name: "budgets",
    title: "Shard size against the budget",
    columns: [
      left("budget", "budget"),
      right("Q", "quorum"),
      right("seats (SHARD-1)", "seats"),
      right("of 1000 equal (SHARD-2)", "of_thousand"),
      right("seats, if it bounded final proofs", "against_proof"),
    ],
    rows: rows.map((row) => [
      cell(powerText(toNumber(row.budget)), toNumber(row.budget)),
      quorum(row.quorum),
      count(row.seats),
      count(row.ofThousand),
      row.againstProof === null ? cell("none", "") : count(row.againstProof),
    ]),
  };
}

function captureTable(rows: readonly CaptureRow[]): StudyTable {
  return {
    name: "capture",
    title: "What a dishonest share of the stake holds in a shard, a draw, exactly",
    columns: [
      right("Q", "quorum"),
      right("seats", "seats"),
      right("dishonest", "dishonest"),
      ...TAIL_COLUMNS,
    ],
    rows: rows.map((row) => [...shardCells(row.shard), share(row.share), ...tailCells(row.tails)]),
  };
}

function drawsTable(rows: readonly DrawRow[]): StudyTable {
  return {
    name: "draws",
    title: "The draw itself beside the exact tails, with 99 % intervals",
    columns: [
      left("draw", "rule"),
      left("stakes", "distribution"),
      right("dishonest", "dishonest"),
      right("Q", "quorum"),
      right("seats", "seats"),
      left("the dishonest hold", "event"),
      right("from", "threshold"),
      right("exact", "exact"),
      drawn("drawn", "plain"),
      drawn("drawn from tilted stakes", "tilted"),
      right("tilt", "tilt"),
      { ...right("exact inside", "inside"), isDrawn: true },
    ],
    rows: rows.map((row) => [
      cell(row.rule === "seats" ? "SAMPLE-2" : "SAMPLE-1", row.rule),
      cell(row.distribution),
      share(row.share),
      ...shardCells(row.shard),
      cell(EVENT_TEXT[row.event], row.event),
      count(row.threshold),
      row.exact === null ? cell("not known", "") : probability(row.exact),
      estimate(row.plain),
      row.weighed === null ? cell("", "", "", "", "", "") : estimate(row.weighed),
      row.tilt === 1 ? cell("", 1) : count(row.tilt),
      cell(insideText(row)),
    ]),
  };
}

/** Whether both intervals hold the exact tail. */
function insideText({ exact, plain, weighed }: DrawRow): string {
  if (exact === null) return "";
  const all = [plain, weighed].every((found) => found === null || covers(found, toNumber(exact)));
  return all ? "yes" : "no";
}

function stallsTable(rows: readonly StallRow[]): StudyTable {
  return {
    name: "stalls",
    title: "Stalls: silent stake against the quorum, one attempt and a job's three",
    columns: [
      right("Q", "quorum"),
      right("seats", "seats"),
      right("silent", "silent"),
      right("P[an attempt stalls]", "attempt"),
      drawn("drawn", "drawn_attempt"),
      right("P[all three do]", "job"),
      drawn("drawn", "drawn_job"),
    ],
    rows: rows.map((row) => [
      ...shardCells(row.shard),
      share(row.silent),
      probability(row.attempt),
      estimate(row.drawnAttempt),
      probability(row.job),
      estimate(row.drawnJob),
    ]),
  };
}

function poissonTable(rows: readonly PoissonRow[]): StudyTable {
  const subject = ({ event, shard }: PoissonRow) => {
    if (event === "budget" || shard === null) return cell("a budget", "budget");
    const [of] = shardCells(shard);
    return cell(`${EVENT_TEXT[event]} of ${shard.seats} seats, Q ${of!.text}`, `${event} ${shard.seats}`);
  };
  return {
    name: "poisson",
    title: "Times between events (ECON-9)",
    columns: [
      left("event", "event"),
      right("P a job", "probability"),
      right("jobs a second", "jobs_per_second"),
      right("mean", "mean_seconds"),
      right("median", "median_seconds"),
      right("P[within a year]", "within_year"),
    ],
    rows: rows.map((row) => [
      subject(row),
      probability(row.probability),
      cell(row.jobsPerSecond.toLocaleString("en"), row.jobsPerSecond),
      cell(durationText(row.mean), row.mean),
      cell(durationText(row.median), row.median),
      cell(significant(row.withinYear), row.withinYear),
    ]),
  };
}

/** The report's studies as tables, in their order. */
export function securityTables(report: SecurityReport): StudyTable[] {
  const { sizes, budgets, capture, draws, stalls, poisson } = report;
  const tables = [
    sizes && sizesTable(sizes),
    budgets && budgetsTable(budgets),
    capture && captureTable(capture),
    draws && drawsTable(draws),
    stalls && stallsTable(stalls),
    poisson && poissonTable(poisson),
  ];
  return tables.filter((table) => table !== undefined);
}
