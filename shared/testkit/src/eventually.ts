import { inspect } from "node:util";

/**
 * Calls `look` until it neither throws nor gives false, and gives its value: so that it may assert, or answer yes or
 * no. When the time is up it throws with the last thing seen: the reason of the last throw, or the last value.
 * @param within milliseconds, default 10 000
 */
export async function eventually<T>(
  look: () => T | false | Promise<T | false>,
  options: { readonly within?: number; readonly every?: number } = {},
): Promise<T> {
  const within = options.within ?? 10_000;
  const deadline = performance.now() + within;
  for (;;) {
    let seen: { value: unknown } | { reason: unknown };
    try {
      const value = await look();
      if (value !== false) return value as T;
      seen = { value };
    } catch (reason) {
      seen = { reason };
    }
    if (performance.now() > deadline) {
      if ("reason" in seen && seen.reason instanceof Error) {
        seen.reason.message = `not within ${within} ms: ${seen.reason.message}`;
        throw seen.reason;
      }
      throw new Error(
        `not within ${within} ms; last seen: ${inspect("reason" in seen ? seen.reason : seen.value)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, options.every ?? 20));
  }
}
