/**
 * How long a connection may take to be there. Where a whole network starts on few cores, Postgres is up and yet answers
 * after many seconds: whoever waits gets there, whoever gives up makes it worse. A server that is down refuses at once.
 */
export const CONNECT_WITHIN_MS = 30_000;

/** Connection refused, starting up, shutting down: worth another attempt. Wrong password or database: not. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? "";
  return (
    code.startsWith("ECONN") || code === "ENOTFOUND" || code === "57P03" || code === "57P01" || code === ""
  );
}

/**
 * Tries until the server is reached. @throws what `attempt` throws once `withinMs` is over, the signal aborts, or
 * another attempt would not help
 */
export async function reach<T>(
  attempt: () => Promise<T>,
  { withinMs, signal }: { withinMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted || performance.now() > deadline || !isTransient(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** failures, 1000)));
    }
  }
}
