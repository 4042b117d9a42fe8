import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer, type NatsServerOptions, PostgresServer } from "@soma/launcher";
import { ResourceStack } from "@soma/runtime";

/**
 * What a test file opens: closed in reverse by `close`. Every server has a folder and a port of its own.
 *
 * ```ts
 * const resources = new TestResources();
 * afterAll(() => resources.close());
 * ```
 */
export class TestResources extends ResourceStack {
  /** A folder that is deleted at the end. Others may pass through it, since Postgres runs as another user than root. */
  async folder(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), "soma-test-"));
    await chmod(dir, 0o755);
    this.defer(() => rm(dir, { recursive: true, force: true }));
    return dir;
  }

  /** A nats-server with JetStream; without accounts anybody may do anything. */
  async nats(options: Partial<NatsServerOptions> = {}): Promise<NatsServer> {
    return this.use(await NatsServer.start({ dir: join(await this.folder(), "nats"), ...options }));
  }

  /** A Postgres that trades safety against power loss for speed. */
  async postgres(): Promise<PostgresServer> {
    return this.use(
      await PostgresServer.start({ dir: join(await this.folder(), "postgres"), volatile: true }),
    );
  }
}
