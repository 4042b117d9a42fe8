import { dot, line, link, type Markish, ruleY, text } from "@observablehq/plot";
import { type Rational, toNumber } from "@soma/sampling";
import { type Chart, powerTick } from "../chart.ts";
import type { EventName } from "./core/events.ts";
import {
  type BudgetRow,
  type CaptureRow,
  type PoissonRow,
  type SizeRow,
  YEAR_SECONDS,
} from "./core/exact-studies.ts";
import type { SecurityReport } from "./core/report.ts";
import type { DrawRow, StallRow } from "./core/simulated-studies.ts";

/** Told apart by those who see few colours (Okabe and Ito). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
  readonly panel?: string;
}

/** Lines with a dot at each point and their name at the right end, moved by `nudge` pixels down where names meet. */
function namedLines(points: readonly Point[], nudge: Readonly<Record<string, number>> = {}): Markish[] {
  const panel = points.some((point) => point.panel !== undefined) ? { fx: "panel" } : {};
  const channels = { x: "x", y: "y", ...panel };
  return [
    line(points, { ...channels, stroke: "series", strokeWidth: 2 }),
    dot(points, { ...channels, fill: "series", r: 2.5 }),
    ...lastOf(points).map((point) => {
      const dy = nudge[point.series] ?? 0;
      return text([point], { ...channels, text: "series", fill: "series", textAnchor: "start", dx: 8, dy });
    }),
  ];
}

/** Of each series and panel the last point. */
function lastOf(points: readonly Point[]): Point[] {
  return [...new Map(points.map((point) => [`${point.series} ${point.panel}`, point])).values()];
}

function colours(points: readonly { readonly series: string }[]) {
  const domain = [...new Set(points.map(({ series }) => series))];
  return { color: { domain, range: COLOURS.slice(0, domain.length) } };
}

function tenths(quorum: Rational): string {
  return `Q = ${(quorum.num * 10n) / quorum.den}/10`;
}

function sizesChart(rows: readonly SizeRow[]): Chart {
  const points = rows.flatMap(({ encoders, size, quorum }) =>
    encoders === null ? [] : [{ x: encoders, y: size, series: tenths(quorum) }],
  );
  const bounds = rows.flatMap(({ encoders, size, quorum }) =>
    encoders === null ? [{ y: size, series: tenths(quorum) }] : [],
  );
  return {
    name: "sizes",
    description: "Shard sizes against network size for both quorums; dashed, the seats by stake.",
    options: {
      ...colours(points),
      marginRight: 80,
      x: { type: "log", label: "equal encoders in the network", tickFormat: powerTick, ticks: 4 },
      y: { label: "encoders in a shard; dashed: seats by stake", grid: true, zero: true },
      marks: [ruleY(bounds, { y: "y", stroke: "series", strokeDasharray: "5 4" }), ...namedLines(points)],
    },
  };
}

function budgetsChart(rows: readonly BudgetRow[]): Chart {
  const points = rows.flatMap(({ budget, quorum, seats, againstProof }) => {
    const x = toNumber(budget);
    const bounded = [{ x, y: seats, series: `a quorum, ${tenths(quorum)}` }];
    return againstProof === null
      ? bounded
      : [...bounded, { x, y: againstProof, series: `a final proof, ${tenths(quorum)}` }];
  });
  return {
    name: "budgets",
    description:
      "Seats against the budget, where it bounds a dishonest quorum and where it bounds a final proof.",
    options: {
      ...colours(points),
      marginRight: 150,
      x: { type: "log", reverse: true, label: "probability allowed a draw", tickFormat: powerTick },
      y: { label: "seats in a shard, so that the dishonest do not hold", grid: true, zero: true },
      marks: namedLines(points),
    },
  };
}

const EVENT_SERIES: Readonly<Record<EventName, string>> = {
  quorum: "a quorum",
  proof: "a final proof",
  majority: "a majority",
};
/** Below, nothing is worth telling apart. */
const LEAST_PROBABILITY = 1e-20;

function captureChart(rows: readonly CaptureRow[]): Chart {
  const points = rows.flatMap(({ share, shard, tails }) =>
    (Object.keys(EVENT_SERIES) as EventName[]).map((event) => ({
      x: 100 * toNumber(share),
      y: toNumber(tails[event]),
      series: EVENT_SERIES[event],
      panel: `${shard.seats} seats, ${tenths(shard.quorum)}`,
    })),
  );
  const shown = points.filter(({ y }) => y >= LEAST_PROBABILITY);
  return {
    name: "capture",
    description:
      "Probability that the dishonest hold a quorum, a final proof or a majority, by their share of the stake.",
    options: {
      ...colours(points),
      marginRight: 90,
      marginTop: 50,
      fx: { label: null, padding: 0.3, domain: [...new Set(points.map(({ panel }) => panel))] },
      x: { label: "dishonest stake, %", domain: [0, 48] },
      y: { type: "log", label: "probability a draw", tickFormat: powerTick, ticks: 10, grid: true },
      marks: namedLines(shown, { "a majority": -5, "a final proof": 5 }),
    },
  };
}

function drawsChart(rows: readonly DrawRow[]): Chart {
  const points = rows.flatMap(({ rule, distribution, exact, weighed }) => {
    if (exact === null || weighed === null) return [];
    const truth = toNumber(exact);
    const series = rule === "seats" ? `seats, ${distribution}` : `heads, ${distribution}`;
    const { value, low, high } = weighed;
    return [{ x: truth, y: value / truth, low: low / truth, high: high / truth, series }];
  });
  return {
    name: "draws",
    description: "Probability by tilted draws over the exact one, with its 99 % interval, by the exact one.",
    options: {
      ...colours(points),
      marginTop: 50,
      fx: { label: null, padding: 0.15, domain: [...new Set(points.map(({ series }) => series))] },
      x: {
        type: "log",
        label: "exact probability",
        domain: [1e-18, 0.1],
        ticks: [1e-16, 1e-11, 1e-6, 0.1],
        tickFormat: powerTick,
      },
      y: { label: "tilted draws / exact, with its 99 % interval", grid: true },
      marks: [
        ruleY([1], { stroke: "#222" }),
        link(points, { fx: "series", x: "x", y1: "low", y2: "high", stroke: "series", strokeWidth: 2 }),
        dot(points, { fx: "series", x: "x", y: "y", fill: "series", r: 3 }),
      ],
    },
  };
}

function stallsChart(rows: readonly StallRow[]): Chart {
  const points = rows.flatMap(({ shard, silent, attempt, job, drawnAttempt, drawnJob }) => {
    const x = 100 * toNumber(silent);
    return [
      { x, y: toNumber(attempt), drawn: drawnAttempt.value, series: `an attempt, ${tenths(shard.quorum)}` },
      { x, y: toNumber(job), drawn: drawnJob.value, series: `all three, ${tenths(shard.quorum)}` },
    ];
  });
  const { color } = colours(points);
  return {
    name: "stalls",
    description: "Probability that an attempt, and a job, stalls, by the silent share of the stake.",
    options: {
      color,
      x: { label: "silent stake, %", domain: [0, 34] },
      y: { label: "probability of a stall; lines exact, dots drawn", grid: true, domain: [0, 1] },
      marks: [
        line(points, { x: "x", y: "y", stroke: "series", strokeWidth: 2 }),
        dot(points, { x: "x", y: "drawn", fill: "series", r: 3 }),
        // The curves meet at both ends; below them on the right there is room for their names.
        ...color.domain.map((series, i) =>
          text([series], {
            fill: [series],
            text: [series],
            frameAnchor: "bottom-right",
            dx: -10,
            dy: -18 * (i + 1),
          }),
        ),
      ],
    },
  };
}

function poissonChart(rows: readonly PoissonRow[]): Chart {
  const points = rows.flatMap(({ event, shard, probability, jobsPerSecond, mean }) => {
    if (event === "quorum" || event === "majority") return [];
    const series =
      shard === null ? `P = ${powerTick(toNumber(probability))}` : `a final proof, ${tenths(shard.quorum)}`;
    return [{ x: jobsPerSecond, y: mean / YEAR_SECONDS, series }];
  });
  return {
    name: "poisson",
    description: "Mean years between events against jobs a second.",
    options: {
      ...colours(points),
      marginRight: 150,
      x: { type: "log", label: "jobs a second", tickFormat: powerTick, ticks: 6 },
      y: { type: "log", label: "mean years between events", tickFormat: powerTick, ticks: 8, grid: true },
      marks: namedLines(points, { "a final proof, Q = 8/10": 5, "a final proof, Q = 9/10": -5 }),
    },
  };
}

/** A chart of each study in the report. */
export function securityCharts(report: SecurityReport): Chart[] {
  const { sizes, budgets, capture, draws, stalls, poisson } = report;
  const charts = [
    sizes && sizesChart(sizes),
    budgets && budgetsChart(budgets),
    capture && captureChart(capture),
    draws && drawsChart(draws),
    stalls && stallsChart(stalls),
    poisson && poissonChart(poisson),
  ];
  return charts.filter((chart) => chart !== undefined);
}
