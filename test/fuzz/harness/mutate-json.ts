import fc from "fast-check";

/** One change of a JSON value: the part that the path leads to is replaced, removed, doubled or joined by another. */
export interface JsonEdit {
  readonly how: (typeof HOW)[number];
  /** Chooses a part at every level. */
  readonly path: readonly number[];
  readonly value: number;
}

const HOW = ["replace", "remove", "double", "add"] as const;

/** JSON texts of what a schema may forget: wrong kinds, large ones, and those that text and number confuse. */
const TEXTS = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e999",
  "9007199254740993",
  "18446744073709551616",
  '""',
  '"0"',
  '"NaN"',
  '"-1"',
  '"\\u0000"',
  '"\\ud800"',
  `"${"9".repeat(400)}"`,
  `"${"a".repeat(70_000)}"`,
  `"${"0".repeat(64)}"`,
  "[]",
  "[[]]",
  "{}",
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1,"length":-1}',
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  `[${"0,".repeat(5_000)}0]`,
];
const KEYS = ["__proto__", "constructor", "toString", "length", "", "x", "a".repeat(1_000)];

export const jsonEdits: fc.Arbitrary<JsonEdit[]> = fc.array(
  fc.record({
    how: fc.constantFrom(...HOW),
    path: fc.array(fc.nat(255), { maxLength: 4 }),
    value: fc.nat(0xffff),
  }),
  { minLength: 0, maxLength: 3 },
);

/** The text of `value` after the edits; parts are texts, so that what no value has (1e999) can be written. */
export function editJson(value: unknown, changes: readonly JsonEdit[]): Uint8Array {
  let text = JSON.stringify(value);
  for (const change of changes) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      break;
    }
    text = written(parsed, change, 0);
  }
  return Buffer.from(text);
}

function written(value: unknown, change: JsonEdit, depth: number): string {
  const chosen = change.path[depth];
  const isList = Array.isArray(value);
  if (chosen === undefined || typeof value !== "object" || value === null)
    return TEXTS[change.value % TEXTS.length]!;
  const parts = Object.entries(value);
  const at = parts.length === 0 ? 0 : chosen % parts.length;
  const isLast = depth === change.path.length - 1;
  const texts = parts.flatMap(([key, part], i) => {
    const own = JSON.stringify(part);
    if (i !== at) return [[key, own]];
    if (!isLast || change.how === "replace") return [[key, written(part, change, depth + 1)]];
    if (change.how === "remove") return [];
    const other = change.how === "double" ? key : KEYS[change.value % KEYS.length]!;
    return [
      [key, own],
      [other, change.how === "double" ? own : TEXTS[change.value % TEXTS.length]!],
    ];
  });
  if (isList) return `[${texts.map(([, text]) => text).join(",")}]`;
  return `{${texts.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`;
}
