import type { Platform } from "./platform.ts";
import type { AnyService } from "./service.ts";
import { type LifecycleState, ServiceRunner } from "./service-runner.ts";

/** Several services of one operator in one process; they speak only through NATS. */
export class ServiceHost {
  /** Resolves with the reason when any service fails after its start. */
  readonly failure: Promise<Error>;
  readonly operator: string;
  readonly #runners: readonly ServiceRunner[];

  private constructor(operator: string, runners: readonly ServiceRunner[]) {
    this.operator = operator;
    this.#runners = runners;
    this.failure = Promise.race(runners.map((runner) => runner.failure));
  }

  /**
   * Starts the services side by side, since one may wait for another; resolves when all are ready. If one cannot
   * start, the others are closed and its error is thrown.
   * @param env where the services read their own variables
   */
  static async open(options: {
    platform: Platform;
    services: readonly AnyService[];
    env: Readonly<Record<string, string | undefined>>;
  }): Promise<ServiceHost> {
    const opened: ServiceRunner[] = [];
    const starts = options.services.map(async (definition) => {
      opened.push(await ServiceRunner.open(definition, options.platform, options.env));
    });
    try {
      await Promise.all(starts);
    } catch (error) {
      void Promise.allSettled(starts).then(() => Promise.all(opened.map((runner) => runner.close())));
      throw error;
    }
    return new ServiceHost(options.platform.operator, opened);
  }

  states(): Readonly<Record<string, LifecycleState>> {
    return Object.fromEntries(this.#runners.map((runner) => [runner.name, runner.state]));
  }

  /** Whether every service is ready and well, with the facts of each. */
  health(): { ok: boolean; services: Readonly<Record<string, unknown>> } {
    const each = this.#runners.map((runner) => [runner.name, runner.health()] as const);
    return {
      ok: each.every(([, health]) => health.ok),
      services: Object.fromEntries(each.map(([name, health]) => [name, health.detail])),
    };
  }

  /** Longest time in which a consumer's handlers were at work and none ended, in milliseconds. */
  get stalledMs(): number {
    return Math.max(0, ...this.#runners.map((runner) => runner.stalledMs));
  }

  /** Drains and closes all services. */
  async close(): Promise<void> {
    const results = await Promise.allSettled(this.#runners.map((runner) => runner.close()));
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (errors.length > 0) throw new AggregateError(errors, "some services did not stop cleanly");
  }
}
