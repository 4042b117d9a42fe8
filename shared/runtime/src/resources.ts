/** Anything with an end. */
export interface Closable {
  close(): Promise<void>;
}

/** Things to be closed in the reverse of the order in which they were opened. */
export class ResourceStack implements Closable {
  readonly #closers: (() => Promise<void>)[] = [];

  use<T extends Closable>(resource: T): T {
    this.defer(() => resource.close());
    return resource;
  }

  defer(closer: () => Promise<void> | void): void {
    this.#closers.push(async () => closer());
  }

  /** Closes everything, also after one fails. @throws AggregateError of what failed. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, "some resources did not close");
  }
}
