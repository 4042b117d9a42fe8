/** Thrown when code that the type checker calls unreachable is reached. */
export function assertNever(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}

/** States a fact that holds unless this program has a bug; never used to check what a peer sent. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
