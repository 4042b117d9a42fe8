import type { Bus } from "@soma/runtime";
import { sleep } from "@soma/runtime";
import type { Telemetry } from "@soma/telemetry";
import type { Replicas } from "./replicas.ts";

type Reader = Awaited<ReturnType<Bus["subscribe"]>>;

export interface PartitionKeeperDeps {
  readonly replicas: Replicas;
  readonly heartbeatMs: number;
  readonly log: Telemetry["log"];
  /** Brings back what waits on disk in these partitions. False if it must be tried again. */
  readonly load: (partitions: readonly number[]) => Promise<boolean>;
  /** Begins to answer for a partition. */
  readonly serve: (partition: number) => Promise<Reader>;
  /** Forgets what waits in memory of these partitions. */
  readonly forget: (partitions: ReadonlySet<number>) => void;
  /** Tells others what is served now. */
  readonly announce: (partitions: readonly number[]) => Promise<void>;
  readonly counted: (replicas: number) => void;
}

/** Keeps this replica's part of the senders: takes what is free, gives what is too much, serves what it has. */
export class PartitionKeeper {
  readonly #deps: PartitionKeeperDeps;
  readonly #served = new Map<number, Reader>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  private constructor(deps: PartitionKeeperDeps) {
    this.#deps = deps;
  }

  /** Resolves when the first part is served, which may be none. */
  static async open(deps: PartitionKeeperDeps): Promise<PartitionKeeper> {
    const keeper = new PartitionKeeper(deps);
    await keeper.#turn();
    keeper.#loop = keeper.#run();
    return keeper;
  }

  get served(): number[] {
    return [...this.#served.keys()].sort((a, b) => a - b);
  }

  has(partition: number): boolean {
    return this.#served.has(partition);
  }

  /** Somebody's part has changed: looks at once. */
  wake(): void {
    this.#wake.abort();
  }

  /** Leaves everything to the others. Requests in hand must have been answered. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#loop;
    await this.#forget(this.served);
    await this.#deps.replicas.close();
    await this.#deps.announce([]);
  }

  async #run(): Promise<void> {
    const { heartbeatMs, log } = this.#deps;
    while (!this.#stop.signal.aborted) {
      await sleep(heartbeatMs, this.#wake.signal);
      this.#wake = new AbortController();
      if (this.#stop.signal.aborted) return;
      try {
        await this.#turn();
      } catch (error) {
        // Whatever this replica missed it learns at the next beat; until then it can write nothing that others miss.
        log.warn({ error: String(error) }, "mempool: no heartbeat");
        await sleep(heartbeatMs, this.#stop.signal);
      }
    }
  }

  async #turn(): Promise<void> {
    const { replicas, log } = this.#deps;
    const beat = await replicas.beat();
    this.#deps.counted(beat.replicas);
    if (beat.wasFenced) {
      log.warn({ partitions: this.served }, "taken for dead: this replica begins anew");
      await this.#forget(this.served);
    }
    if (beat.surplus.length > 0) {
      await this.#forget(beat.surplus);
      await replicas.give(beat.surplus);
    }
    if (beat.taken.length > 0) {
      await this.#load(beat.taken);
      for (const partition of beat.taken) this.#served.set(partition, await this.#deps.serve(partition));
    }
    if (beat.taken.length > 0 || beat.surplus.length > 0) {
      log.info({ partitions: this.served, replicas: beat.replicas }, "partitions");
    }
    await this.#deps.announce(this.served);
  }

  async #load(partitions: readonly number[]): Promise<void> {
    while (!(await this.#deps.load(partitions))) {
      if (this.#stop.signal.aborted) throw new Error("stopped while loading");
      await sleep(200, this.#stop.signal);
    }
  }

  async #forget(partitions: readonly number[]): Promise<void> {
    const readers = partitions.map((partition) => this.#served.get(partition));
    await Promise.all(readers.map((reader) => reader?.close()));
    for (const partition of partitions) this.#served.delete(partition);
    this.#deps.forget(new Set(partitions));
  }
}
