import { rational, toNumber } from "@soma/sampling";
import { beforeAll, describe, expect, test } from "vitest";
import { svgText } from "../chart.ts";
import { securityCharts } from "./charts.ts";
import { covers } from "./core/estimate.ts";
import { type SecurityQuestion, STUDIES } from "./core/question.ts";
import type { SecurityReport } from "./core/report.ts";
import { makeStudies } from "./study.ts";
import { securityTables } from "./tables.ts";

// A budget of a thousandth: shards of 12 and 7 seats, soon drawn.
const question: SecurityQuestion = {
  dishonest: rational(1n, 3n),
  budget: rational(1n, 1000n),
  jobsPerSecond: 10,
  encoders: 60,
  draws: 300,
  seed: 11,
};

let report: SecurityReport;
beforeAll(async () => {
  report = await makeStudies(question, STUDIES, { threads: 1 });
});

describe("the studies", () => {
  test("are the same on any number of threads", async () => {
    expect(await makeStudies(question, STUDIES, { threads: 3 })).toEqual(report);
  });

  test("follow the seed", async () => {
    const other = await makeStudies({ ...question, seed: 12 }, ["stalls"], { threads: 1 });
    expect(other.stalls!.map(({ drawnAttempt }) => drawnAttempt)).not.toEqual(
      report.stalls!.map(({ drawnAttempt }) => drawnAttempt),
    );
    expect(other.draws).toBeUndefined();
  });

  test("hold the exact tail in 99 of 100 intervals: for this seed, all but three of some 80 at most", () => {
    const held: boolean[] = [];
    for (const { exact, plain, weighed } of report.draws!) {
      if (exact === null) continue;
      held.push(covers(plain, toNumber(exact)));
      if (weighed !== null) held.push(covers(weighed, toNumber(exact)));
    }
    for (const { attempt, job, drawnAttempt, drawnJob } of report.stalls!) {
      held.push(covers(drawnAttempt, toNumber(attempt)), covers(drawnJob, toNumber(job)));
    }
    expect(held.length).toBeGreaterThan(60);
    expect(held.filter((inside) => !inside).length).toBeLessThanOrEqual(3);
  });

  test("say how far they are", async () => {
    const told: number[] = [];
    await makeStudies(question, ["stalls"], { threads: 2, onProgress: (done) => told.push(done) });
    expect(told.at(-1)).toBe(1);
    expect(told.toSorted((a, b) => a - b)).toEqual(told);
  });

  test("refuse a network without anyone small enough", async () => {
    await expect(makeStudies({ ...question, encoders: 2 }, ["draws"], { threads: 1 })).rejects.toMatchObject({
      code: "SIM_ROSTER_EMPTY",
    });
  });
});

test("every table has a cell, and a value of CSV, for each column", () => {
  for (const { columns, rows } of securityTables(report)) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.map(({ raw }) => raw.length)).toEqual(columns.map(({ csv }) => csv.length));
    }
  }
});

describe("charts", () => {
  test.each(STUDIES.map((name) => [name]))("%s is a file of its own, the same each time", (name) => {
    const chart = securityCharts(report).find((one) => one.name === name)!;
    const svg = svgText(chart);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\n$/s);
    expect(svg).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(svg).toContain(chart.description);
    expect(svgText(chart)).toBe(svg);
  });
});
