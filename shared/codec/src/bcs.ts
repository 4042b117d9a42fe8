import { BcsType } from "./bcs-type.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A type of any values, as a part of another. */
interface Part {
  readonly name: string;
  readonly $inferType: unknown;
  readonly $inferInput: unknown;
  readonly read: (reader: Reader) => unknown;
  readonly write: (value: never, writer: Writer) => void;
}
type TypeOf<P> = P extends { readonly $inferType: infer T } ? T : true;
type InputOf<P> = P extends { readonly $inferInput: infer I } ? I : boolean | object | null;

type Flat<T> = { [K in keyof T]: T[K] };
type Fields = Readonly<Record<string, Part>>;
type Entries = Readonly<Record<string, Part | null>>;
/** `$kind` says which entry it is; the others may be asked for and are absent. */
type EntryType<E extends Entries, Keys extends string = Extract<keyof E, string>> = {
  [K in Keys]: Flat<{ [K2 in K]: TypeOf<E[K]> } & { [K2 in Exclude<Keys, K>]?: never } & { $kind: K }>;
}[Keys];
type EntryInput<E extends Entries> = { [K in keyof E]: { [K2 in K]: InputOf<E[K]> } }[keyof E];

type AnyWrite = (value: unknown, writer: Writer) => void;

function unsigned(
  name: string,
  most: number,
  read: (reader: Reader) => number,
  write: (writer: Writer, value: number) => void,
) {
  return new BcsType<number>({
    name,
    read,
    write(value, writer) {
      if (!Number.isInteger(value) || value < 0 || value > most)
        throw new RangeError(`not a ${name}: ${value}`);
      write(writer, value);
    },
  });
}

const u8 = unsigned(
  "u8",
  0xff,
  (reader) => reader.read8(),
  (writer, value) => writer.write8(value),
);
const u16 = unsigned(
  "u16",
  0xffff,
  (reader) => reader.read16(),
  (writer, value) => writer.write16(value),
);
const u32 = unsigned(
  "u32",
  0xffff_ffff,
  (reader) => reader.read32(),
  (writer, value) => writer.write32(value),
);

const bool = new BcsType<boolean>({
  name: "bool",
  read(reader) {
    const value = reader.read8();
    if (value > 1) throw new RangeError(`a truth value is 0 or 1, not ${value}`);
    return value === 1;
  },
  write(value, writer) {
    if (typeof value !== "boolean") throw new TypeError(`no truth value: ${typeof value}`);
    writer.write8(value ? 1 : 0);
  },
});

const string = new BcsType<string>({
  name: "string",
  read: (reader) => reader.readText(reader.readULEB()),
  write(value, writer) {
    if (typeof value !== "string") throw new TypeError(`no text: ${typeof value}`);
    writer.writeText(value);
  },
});

const byteVector = new BcsType<Uint8Array, Iterable<number>>({
  name: "vector<u8>",
  read: (reader) => reader.readBytes(reader.readULEB()),
  write(value, writer) {
    const bytes = bytesOf(value);
    writer.writeULEB(bytes.length);
    writer.writeBytes(bytes);
  },
});

function bytesOf(value: Iterable<number>): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value === null || typeof value !== "object") throw new TypeError(`no bytes: ${typeof value}`);
  return Uint8Array.from(value);
}

function bytes(length: number): BcsType<Uint8Array, Iterable<number>> {
  return new BcsType<Uint8Array, Iterable<number>>({
    name: `bytes[${length}]`,
    read: (reader) => reader.readBytes(length),
    write(value, writer) {
      const given = bytesOf(value);
      if (given.length !== length) throw new RangeError(`${given.length} bytes where ${length} stand`);
      writer.writeBytes(given);
    },
  });
}

/** Grows as its elements are read: the length alone, which a peer may have made up, costs nothing. */
function vector<P extends Part>(part: P): BcsType<TypeOf<P>[], Iterable<InputOf<P>> & { length: number }> {
  const { read } = part;
  const write = part.write as AnyWrite;
  return new BcsType({
    name: `vector<${part.name}>`,
    read(reader) {
      const length = reader.readULEB();
      reader.takeElements(length);
      const values: unknown[] = [];
      for (let i = 0; i < length; i++) values.push(read(reader));
      return values as TypeOf<P>[];
    },
    write(values, writer) {
      if (values === null || typeof values !== "object" || !("length" in values)) {
        throw new TypeError(`no array: ${typeof values}`);
      }
      writer.writeULEB(values.length);
      for (const value of values) write(value, writer);
    },
  });
}

/** Null for nothing, so that there is no option of an option. */
function option<P extends Part>(part: P): BcsType<TypeOf<P> | null, InputOf<P> | null | undefined> {
  if (part.name.startsWith("Option<"))
    throw new TypeError("null would mean two things in an option of an option");
  const { read } = part;
  const write = part.write as AnyWrite;
  return new BcsType({
    name: `Option<${part.name}>`,
    read(reader) {
      const entry = reader.readULEB();
      if (entry > 1) throw new RangeError(`an option is 0 or 1, not ${entry}`);
      return entry === 0 ? null : (read(reader) as TypeOf<P>);
    },
    write(value, writer) {
      if (value === null || value === undefined) {
        writer.write8(0);
        return;
      }
      writer.write8(1);
      write(value, writer);
    },
  });
}

function tuple<const P extends readonly Part[]>(
  parts: P,
): BcsType<{ -readonly [K in keyof P]: TypeOf<P[K]> }, { [K in keyof P]: InputOf<P[K]> }> {
  type Values = { -readonly [K in keyof P]: TypeOf<P[K]> };
  return new BcsType<Values, { [K in keyof P]: InputOf<P[K]> }>({
    name: `(${parts.map(({ name }) => name).join(", ")})`,
    read: (reader) => parts.map(({ read }) => read(reader)) as Values,
    write(values, writer) {
      if (!Array.isArray(values) || values.length !== parts.length) {
        throw new TypeError(`not a tuple of ${parts.length}`);
      }
      for (const [i, { write }] of parts.entries()) (write as AnyWrite)(values[i], writer);
    },
  });
}

function struct<F extends Fields>(
  name: string,
  fields: F,
): BcsType<{ [K in keyof F]: TypeOf<F[K]> }, { [K in keyof F]: InputOf<F[K]> }> {
  type Value = { [K in keyof F]: TypeOf<F[K]> };
  const names = Object.keys(fields);
  const reads = names.map((field) => fields[field]!.read);
  const writes = names.map((field) => fields[field]!.write as AnyWrite);
  return new BcsType<Value, { [K in keyof F]: InputOf<F[K]> }>({
    name,
    read(reader) {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) value[names[i]!] = reads[i]!(reader);
      return value as Value;
    },
    write(value, writer) {
      if (value === null || typeof value !== "object") throw new TypeError(`no ${name}: ${typeof value}`);
      for (let i = 0; i < names.length; i++)
        writes[i]!((value as Record<string, unknown>)[names[i]!], writer);
    },
  });
}

/** Read as `{ [entry]: value, $kind: entry }`, `true` for an entry that holds nothing. Order is wire format. */
function enumeration<const E extends Entries>(
  name: string,
  entries: E,
): BcsType<EntryType<E>, EntryInput<E>> {
  const kinds = Object.keys(entries);
  const parts = Object.values(entries);
  const places = new Map(kinds.map((kind, place) => [kind, place]));
  return new BcsType<EntryType<E>, EntryInput<E>>({
    name,
    read(reader) {
      const place = reader.readULEB();
      const kind = kinds[place];
      if (kind === undefined) throw new RangeError(`no entry ${place} of ${name}`);
      const part = parts[place];
      return { [kind]: part ? part.read(reader) : true, $kind: kind } as EntryType<E>;
    },
    write(value, writer) {
      if (value === null || typeof value !== "object") throw new TypeError(`no ${name}: ${typeof value}`);
      const given = value as Record<string, unknown>;
      let found = -1;
      for (const key of Object.keys(given)) {
        const place = given[key] === undefined ? undefined : places.get(key);
        if (place === undefined) continue;
        if (found >= 0) throw new TypeError(`two entries of ${name} in one value`);
        found = place;
      }
      if (found < 0) throw new TypeError(`no entry of ${name}`);
      writer.writeULEB(found);
      (parts[found]?.write as AnyWrite | undefined)?.(given[kinds[found]!], writer);
    },
  });
}

/**
 * The types of BCS that the protocol uses. The library `@mysten/bcs` takes several times as long; tests hold these
 * against it on random values (DESIGN section 7, ADR 0022).
 */
export const bcs = {
  u8: () => u8,
  u16: () => u16,
  u32: () => u32,
  bool: () => bool,
  string: () => string,
  bytes,
  byteVector: () => byteVector,
  vector,
  option,
  tuple,
  struct,
  enum: enumeration,
};
