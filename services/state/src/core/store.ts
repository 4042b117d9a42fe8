import { compareHex, utf8 } from "@soma/base";
import type { LtHash } from "@soma/crypto";

/** A key whose value is new, changed or gone (null) since the last `drain`. */
export interface Change {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface ChangeWithPast extends Change {
  readonly past: Uint8Array | null;
}

/** Keys that are persisted, but are no part of the state that validators agree on (ADR 0006). */
export const LOCAL_PREFIX = "local/";

/**
 * The ledger's working set: text keys, canonical bytes. A transaction can be rolled back; what changed since the
 * last drain is known, with what it was before. Keys sort as their text does (ASCII).
 */
export class KeyedStore {
  readonly #values = new Map<string, Uint8Array>();
  /** Keys by table, the part before the first slash. */
  readonly #tables = new Map<string, Set<string>>();
  readonly #past = new Map<string, Uint8Array | null>();
  #journal: Map<string, Uint8Array | null> | null = null;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array): void {
    this.#remember(key);
    this.#write(key, value);
  }

  delete(key: string): void {
    if (!this.#values.has(key)) return;
    this.#remember(key);
    this.#write(key, null);
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
  changes(): ChangeWithPast[] {
    const changes: ChangeWithPast[] = [];
    for (const key of [...this.#past.keys()].sort(compareHex)) {
      const past = this.#past.get(key) ?? null;
      const value = this.#values.get(key) ?? null;
      if (!sameBytes(past, value)) changes.push({ key, value, past });
    }
    return changes;
  }

  /** What changed is final from now on. */
  keep(): void {
    this.#past.clear();
  }

  /** `changes`, and keeps them. */
  drain(): ChangeWithPast[] {
    const changes = this.changes();
    this.keep();
    return changes;
  }

  /** Undoes everything since the last drain. */
  revert(): void {
    for (const [key, value] of this.#past) this.#write(key, value);
    this.#past.clear();
    this.#journal = null;
  }

  #remember(key: string): void {
    const value = this.#values.get(key) ?? null;
    if (!this.#past.has(key)) this.#past.set(key, value);
    if (this.#journal !== null && !this.#journal.has(key)) this.#journal.set(key, value);
  }

  #write(key: string, value: Uint8Array | null): void {
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
export function digestChanges(hash: LtHash, changes: readonly ChangeWithPast[]): void {
  for (const { key, value, past } of changes) {
    if (key.startsWith(LOCAL_PREFIX)) continue;
    const name = utf8(key);
    if (past !== null) hash.remove(name, past);
    if (value !== null) hash.add(name, value);
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
