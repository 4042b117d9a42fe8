import { formatRational, type Rational, toNumber } from "@soma/sampling";
import type { SecurityReport } from "./core/report.ts";

function isRational(value: unknown): value is Rational {
  return typeof value === "object" && value !== null && "num" in value && "den" in value;
}

/** The report as JSON holds it: each exact fraction as {exact: "num/den", value: number}. */
export function reportJson(report: SecurityReport): unknown {
  return withFractions(report);
}

function withFractions(value: unknown): unknown {
  if (isRational(value)) return { exact: formatRational(value), value: toNumber(value) };
  if (Array.isArray(value)) return value.map(withFractions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withFractions(part)]));
}
