import { atOnce, bytesEqual, compareHex, type Sliced, utf8 } from "@soma/base";
import type { LtHash } from "@soma/crypto";

/** A key whose value is new, changed or gone (null) since the last `drain`. */
export interface Change {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface ChangeWithPast extends Change {
  readonly past: Uint8Array | null;
}

/** How records of one table stand in bytes. */
export interface RecordCodec<T> {
  parse(bytes: Uint8Array): T;
  encode(value: T): Uint8Array;
}

interface Known {
  readonly value: unknown;
  readonly codec: RecordCodec<never>;
}

/**
 * One value of the store: bytes, a record, or both once the other form was asked for. An account that pays ten times in
 * a commit is written down once.
 */
class Stored {
  #bytes: Uint8Array | undefined;
  #known: Known | undefined;

  constructor(bytes: Uint8Array | undefined, known: Known | undefined) {
    this.#bytes = bytes;
    this.#known = known;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.#known!.codec.encode(this.#known!.value as never);
    return this.#bytes;
  }

  record<T>(codec: RecordCodec<T>): T {
    this.#known ??= { value: codec.parse(this.#bytes!), codec: codec as RecordCodec<never> };
    return this.#known.value as T;
  }

  /** The bytes alone stay: a record may hold on to the message that its parts came in. */
  settle(): void {
    if (this.#bytes !== undefined) this.#known = undefined;
  }
}

/** Keys that are persisted, but are no part of the state that validators agree on (ADR 0006). */
export const LOCAL_PREFIX = "local/";

/**
 * The ledger's working set: text keys, canonical bytes. A transaction can be rolled back; what changed since the
 * last drain is known, with what it was before. Keys sort as their text does (ASCII).
 */
export class KeyedStore {
  readonly #values = new Map<string, Stored>();
  /** Keys by table, the part before the first slash. */
  readonly #tables = new Map<string, Set<string>>();
  readonly #past = new Map<string, Stored | null>();
  #journal: Map<string, Stored | null> | null = null;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)?.bytes;
  }

  set(key: string, value: Uint8Array): void {
    this.#replace(key, new Stored(value, undefined));
  }

  /** The value as the record of a table. All readers of one key use the table's one codec. */
  record<T>(key: string, codec: RecordCodec<T>): T | undefined {
    return this.#values.get(key)?.record(codec);
  }

  /** Sets a record, which is encoded when its bytes are wanted; it must not change any more. */
  setRecord<T>(key: string, value: T, codec: RecordCodec<T>): void {
    this.#replace(key, new Stored(undefined, { value, codec: codec as RecordCodec<never> }));
  }

  delete(key: string): void {
    if (!this.#values.has(key)) return;
    this.#replace(key, null);
  }

  /** Keys of a table in order. */
  keys(table: string): string[] {
    return [...(this.#tables.get(table) ?? [])].sort(compareHex);
  }

  /** All keys in order. */
  allKeys(): string[] {
    return [...this.#values.keys()].sort(compareHex);
  }

  /** What follows can be undone by `rollback` until `accept`. */
  begin(): void {
    this.#journal = new Map();
  }

  accept(): void {
    this.#journal = null;
  }

  rollback(): void {
    for (const [key, value] of this.#journal ?? []) this.#write(key, value);
    this.#journal = null;
  }

  /** Changes since the last drain, in the order of keys; a value that is as it was is left out. */
  *changes(): Sliced<ChangeWithPast[]> {
    const changes: ChangeWithPast[] = [];
    for (const key of [...this.#past.keys()].sort(compareHex)) {
      const past = this.#past.get(key)?.bytes ?? null;
      const value = this.#values.get(key)?.bytes ?? null;
      if (!sameBytes(past, value)) changes.push({ key, value, past });
      yield;
    }
    return changes;
  }

  /** What changed is final from now on. */
  keep(): void {
    for (const key of this.#past.keys()) this.#values.get(key)?.settle();
    this.#past.clear();
  }

  /** `changes`, and keeps them. */
  drain(): ChangeWithPast[] {
    const changes = atOnce(this.changes());
    this.keep();
    return changes;
  }

  /** Undoes everything since the last drain. */
  revert(): void {
    for (const [key, value] of this.#past) this.#write(key, value);
    this.#past.clear();
    this.#journal = null;
  }

  #replace(key: string, value: Stored | null): void {
    const past = this.#values.get(key) ?? null;
    if (!this.#past.has(key)) this.#past.set(key, past);
    if (this.#journal !== null && !this.#journal.has(key)) this.#journal.set(key, past);
    this.#write(key, value);
  }

  #write(key: string, value: Stored | null): void {
    if (value !== null && this.#values.has(key)) {
      this.#values.set(key, value);
      return;
    }
    const table = key.slice(0, key.indexOf("/"));
    let keys = this.#tables.get(table);
    if (keys === undefined) {
      keys = new Set();
      this.#tables.set(table, keys);
    }
    if (value === null) {
      this.#values.delete(key);
      keys.delete(key);
    } else {
      this.#values.set(key, value);
      keys.add(key);
    }
  }
}

/** LEDGER-5: takes changes into the digest of the set of (key, value). */
export function* digestChanges(hash: LtHash, changes: readonly ChangeWithPast[]): Sliced<void> {
  for (const { key, value, past } of changes) {
    if (key.startsWith(LOCAL_PREFIX)) continue;
    const name = utf8(key);
    if (past !== null) hash.remove(name, past);
    if (value !== null) hash.add(name, value);
    yield;
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return bytesEqual(a, b);
}
