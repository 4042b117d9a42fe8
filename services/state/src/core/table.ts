import type { KeyedStore } from "./store.ts";

interface Codec<T, Input> {
  parse(bytes: Uint8Array): T;
  encode(value: Input): Uint8Array;
}

/** Typed access to the records under one prefix. Records are immutable; a change puts a new one. */
export class Table<T extends Input, Input = T> {
  readonly name: string;
  readonly #codec: Codec<T, Input>;
  /** Decoded once for each stored value. */
  readonly #decoded = new WeakMap<Uint8Array, { value: T }>();

  constructor(name: string, codec: Codec<T, Input>) {
    this.name = name;
    this.#codec = codec;
  }

  key(...parts: readonly string[]): string {
    return [this.name, ...parts].join("/");
  }

  decode(bytes: Uint8Array): T {
    let entry = this.#decoded.get(bytes);
    if (entry === undefined) {
      entry = { value: this.#codec.parse(bytes) };
      this.#decoded.set(bytes, entry);
    }
    return entry.value;
  }

  get(store: KeyedStore, ...parts: readonly string[]): T | undefined {
    const bytes = store.get(this.key(...parts));
    return bytes === undefined ? undefined : this.decode(bytes);
  }

  put(store: KeyedStore, value: Input, ...parts: readonly string[]): void {
    store.set(this.key(...parts), this.#codec.encode(value));
  }

  delete(store: KeyedStore, ...parts: readonly string[]): void {
    store.delete(this.key(...parts));
  }

  /** Every record with the parts of its key, in the order of keys. */
  rows(store: KeyedStore): { parts: string[]; value: T }[] {
    return store.keys(this.name).map((key) => ({
      parts: key.split("/").slice(1),
      value: this.decode(store.get(key)!),
    }));
  }
}

/** A number as a part of a key: sixteen hex digits, so that keys sort as numbers do. */
export function numberKey(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}
