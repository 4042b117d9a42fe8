/** Relative difference up to which numbers agree (CONFORMANCE.md). */
const TOLERANCE = 1e-9;

/** CONFORMANCE.md: numbers agree within 1e-9 relative; integers, strings and booleans exactly. */
export function agrees(actual: unknown, expected: unknown): boolean {
  if (typeof actual === "number" && typeof expected === "number") {
    if (actual === expected) return true;
    if (Number.isInteger(actual) && Number.isInteger(expected)) return false;
    return Math.abs(actual - expected) <= TOLERANCE * Math.max(Math.abs(actual), Math.abs(expected));
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.length === expected.length && actual.every((one, i) => agrees(one, expected[i]));
  }
  if (isRecord(actual) && isRecord(expected)) {
    const keys = Object.keys(expected);
    return (
      Object.keys(actual).length === keys.length &&
      keys.every((key) => Object.hasOwn(actual, key) && agrees(actual[key], expected[key]))
    );
  }
  return actual === expected;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
