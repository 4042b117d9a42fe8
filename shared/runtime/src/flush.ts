import type { NatsConnection } from "@nats-io/nats-core";
import { SomaError } from "@soma/base";

/**
 * Resolves when the server has taken everything that was sent. The library's own promise never settles if the
 * connection ends for good meanwhile. @throws SomaError BUS_CLOSED, or what ended the connection
 */
export async function flush(connection: NatsConnection): Promise<void> {
  const over = connection.closed().then((error) => {
    throw error instanceof Error ? error : new SomaError("BUS_CLOSED", "the connection was closed");
  });
  await Promise.race([connection.flush(), over]);
}
