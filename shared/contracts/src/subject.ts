import { SomaError } from "@soma/base";

/** A place in a subject that is filled in when a message is sent. */
export interface Token<Name extends string = string> {
  readonly token: Name;
}

/** A named place in a subject: `["mempool", "accepted", token("shard")]`. */
export function token<const Name extends string>(name: Name): Token<Name> {
  return { token: name };
}

export type SubjectParts = readonly (string | Token)[];

/** The names of the tokens in a list of subject parts. */
export type TokenNames<S extends SubjectParts> = Extract<S[number], Token>["token"];

/** A value for each token. Written as text; must match `[A-Za-z0-9_-]{1,64}`. */
export type Tokens<Name extends string> = Readonly<Record<Name, string | number | bigint>>;

/**
 * Where a message lives: `inside` an operator (`soma.v1.<network>.` stands before it) or on an operator's `edge`
 * (`net.` stands before it, and the first part is then the publishing peer; DESIGN section 3).
 */
export type Space = "inside" | "edge";

const LITERAL = /^[a-z0-9][a-z0-9-]{0,31}$/;
const VALUE = /^[A-Za-z0-9_-]{1,64}$/;

/** Throws on a literal or token name that could not stand in a subject. */
export function checkParts(parts: SubjectParts): void {
  if (parts.length === 0) throw new SomaError("SUBJECT_INVALID", "a subject needs a part");
  const names = new Set<string>();
  for (const part of parts) {
    const text = typeof part === "string" ? part : part.token;
    if (typeof part === "string" ? !LITERAL.test(text) : !/^[a-z][A-Za-z0-9]*$/.test(text))
      throw new SomaError("SUBJECT_INVALID", `bad subject part ${JSON.stringify(text)}`);
    if (typeof part !== "string" && names.size === names.add(text).size)
      throw new SomaError("SUBJECT_INVALID", `token ${text} stands twice`);
  }
}

const prefixes = new Map<string, string>();

/** What stands before the parts; a network's name is looked at once. */
function prefixOf(space: Space, network: string): string {
  if (space === "edge") return "net.";
  let prefix = prefixes.get(network);
  if (prefix === undefined) {
    if (!VALUE.test(network)) throw new SomaError("SUBJECT_INVALID", `bad network name ${network}`);
    prefix = `soma.v1.${network}.`;
    if (prefixes.size < 256) prefixes.set(network, prefix);
  }
  return prefix;
}

/** The subject with every token filled in, or with `*` for those left out when `wild`. */
export function buildSubject(
  space: Space,
  parts: SubjectParts,
  network: string,
  tokens: Readonly<Record<string, string | number | bigint | undefined>>,
  wild: boolean,
): string {
  let subject = prefixOf(space, network);
  for (const [i, part] of parts.entries()) {
    if (i > 0) subject += ".";
    if (typeof part === "string") {
      subject += part;
      continue;
    }
    const value = tokens[part.token];
    if (value === undefined && wild) subject += "*";
    else if (VALUE.test(String(value))) subject += String(value);
    else throw new SomaError("SUBJECT_INVALID", `bad value for token ${part.token}: ${String(value)}`);
  }
  return subject;
}

/** The token values of a subject, or undefined if it is not one of this message. */
export function parseSubject(
  space: Space,
  parts: SubjectParts,
  network: string,
  subject: string,
): Record<string, string> | undefined {
  const prefix = prefixOf(space, network);
  if (!subject.startsWith(prefix)) return undefined;
  const given = subject.slice(prefix.length).split(".");
  if (given.length !== parts.length) return undefined;
  const tokens: Record<string, string> = {};
  for (const [i, value] of given.entries()) {
    const part = parts[i]!;
    if (typeof part === "string") {
      if (part !== value) return undefined;
    } else if (VALUE.test(value)) tokens[part.token] = value;
    else return undefined;
  }
  return tokens;
}

/** True if some subject belongs to both patterns (they must not, so that a subject names one message). */
export function overlap(a: SubjectParts, b: SubjectParts): boolean {
  if (a.length !== b.length) return false;
  return a.every((part, i) => typeof part !== "string" || typeof b[i] !== "string" || part === b[i]);
}
