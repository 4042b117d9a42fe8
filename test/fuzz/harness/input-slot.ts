/** Largest input that is kept; a longer one is cut. */
const MAX_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 8;

/** The input that a thread is at, in shared memory: readable also when the thread hangs or is gone. */
export class InputSlot {
  static shared(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + MAX_BYTES);
  }

  /** Inputs so far, and the length of the last. */
  readonly #header: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#header = new Int32Array(buffer, 0, 2);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
  }

  put(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, MAX_BYTES);
    this.#bytes.set(kept);
    Atomics.store(this.#header, 1, kept.length);
    Atomics.add(this.#header, 0, 1);
  }

  get count(): number {
    return Atomics.load(this.#header, 0);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, Atomics.load(this.#header, 1)));
  }
}
