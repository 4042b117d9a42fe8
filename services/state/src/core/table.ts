import type { KeyedStore, RecordCodec } from "./store.ts";

interface Codec<T, Input> {
  parse(bytes: Uint8Array): T;
  encode(value: Input): Uint8Array;
}

/** Typed access to the records under one prefix. Records are immutable; a change puts a new one. */
export class Table<T extends Input, Input = T> {
  readonly name: string;
  readonly #codec: RecordCodec<T>;
  readonly #prefix: string;

  constructor(name: string, codec: Codec<T, Input>) {
    this.name = name;
    this.#codec = codec;
    this.#prefix = `${name}/`;
  }

  key(...parts: readonly string[]): string {
    return this.#prefix + (parts.length === 1 ? parts[0] : parts.join("/"));
  }

  decode(bytes: Uint8Array): T {
    return this.#codec.parse(bytes);
  }

  get(store: KeyedStore, ...parts: readonly string[]): T | undefined {
    return store.record(this.key(...parts), this.#codec);
  }

  put(store: KeyedStore, value: T, ...parts: readonly string[]): void {
    store.setRecord(this.key(...parts), value, this.#codec);
  }

  delete(store: KeyedStore, ...parts: readonly string[]): void {
    store.delete(this.key(...parts));
  }

  /** Every record with the parts of its key, in the order of keys. */
  rows(store: KeyedStore): { parts: string[]; value: T }[] {
    return store.keys(this.name).map((key) => ({
      parts: key.split("/").slice(1),
      value: store.record(key, this.#codec)!,
    }));
  }
}

/** A number as a part of a key: sixteen hex digits, so that keys sort as numbers do. */
export function numberKey(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}
