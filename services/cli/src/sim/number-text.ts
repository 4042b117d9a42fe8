import { type Rational, toNumber } from "@soma/sampling";

/** Three significant digits: 0.393, 6.70e-4; 0 and 1 as they are. */
export function significant(value: number): string {
  if (value === 0 || value === 1) return String(value);
  return value < 0.001 ? value.toExponential(2) : value.toPrecision(3);
}

/** A round number without more digits than it has: 1e-13. */
export function powerText(value: number): string {
  return Number(value.toPrecision(3)).toExponential();
}

/** "1/3", or per cent where that is a whole number. */
export function shareText(share: Rational): string {
  const percent = share.num * 100n;
  if (percent % share.den === 0n) return `${percent / share.den} %`;
  return share.den < 100n ? `${share.num}/${share.den}` : `${(100 * toNumber(share)).toFixed(3)} %`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [31_557_600, "years"],
  [86_400, "days"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
  [0.001, "ms"],
];

/** In the largest unit of which there is one. */
export function durationText(seconds: number): string {
  const [size, unit] = UNITS.find(([least]) => seconds >= least) ?? [0.000_001, "us"];
  const count = seconds / size;
  if (count >= 1e6) return `${count.toExponential(2)} ${unit}`;
  const digits = count.toPrecision(3);
  return `${count < 100 ? digits : Number(digits).toLocaleString("en")} ${unit}`;
}
