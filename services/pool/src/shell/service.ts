import type { Result } from "@soma/base";
import {
  ClassifyByPool,
  GetLeadingDimensions,
  GetPool,
  RecommendFromPool,
  SearchPool,
} from "@soma/contracts";
import { defineService } from "@soma/runtime";
import { Answers } from "./answers.ts";
import { PoolConfig } from "./config.ts";
import { LedgerFeed } from "./ledger-feed.ts";
import { type PoolMetrics, poolMetrics } from "./metrics.ts";
import { Pool } from "./pool.ts";
import { loadRotation } from "./rotation-file.ts";

/** The embedding pool of an operator: what final proofs recorded, searchable. Rebuilt from state at start. */
export const service = defineService()({
  name: "pool",
  config: PoolConfig,
  async open({ config, bus, telemetry, recovering, signal, use, fail }) {
    const metrics = poolMetrics(telemetry);
    const rotation = config.rotation === undefined ? undefined : loadRotation(config.rotation);
    const pool = new Pool({ config, rotation, metrics, log: telemetry.log, resources: { use }, fail });
    const answers = new Answers(pool);

    recovering();
    const feed = use(
      await LedgerFeed.open({
        bus,
        log: telemetry.log,
        signal,
        take: (recorded) => pool.take(recorded),
      }),
    );
    await pool.startIndexing();

    // A search holds a thread, so few wait for it and the rest are told to come again.
    const searching = { concurrency: 2 * config.threads, maxWaiting: 64 };
    // Somebody may ask for what this operator's ledger recorded a moment ago.
    const current = async <R>(answer: () => Result<R> | Promise<Result<R>>): Promise<Result<R>> => {
      const answered = await answer();
      if (answered.ok || answered.code !== "POOL_ITEM_NOT_FOUND") return answered;
      await feed.refresh();
      return answer();
    };
    const timed = <P, R>(answer: (question: P) => Promise<Result<R>>, record: Recorder<R>) => {
      return async (question: P): Promise<Result<R>> => {
        const began = performance.now();
        const answered = await current(() => answer(question));
        if (answered.ok) record((performance.now() - began) / 1000, answered.value);
        return counted(answered, metrics);
      };
    };
    const listed: Recorder<{ exact: boolean }> = (seconds, { exact }) =>
      metrics.searchSeconds.record(seconds, { by: exact ? "scan" : "index" });
    await bus.respond(
      SearchPool,
      {},
      timed((question) => answers.search(question), listed),
      searching,
    );
    await bus.respond(
      RecommendFromPool,
      {},
      timed((question) => answers.recommend(question), listed),
      searching,
    );
    await bus.respond(
      ClassifyByPool,
      {},
      timed(
        (question) => answers.classify(question),
        (seconds) => metrics.classifySeconds.record(seconds),
      ),
      searching,
    );
    await bus.respond(GetLeadingDimensions, {}, async ({ job, dimensions }) =>
      counted(await current(() => pool.leadingOf(job, dimensions)), metrics),
    );
    await bus.respond(GetPool, {}, () => ({ ok: true, value: pool.status() }));
    return {
      health: () => ({
        ok: true,
        detail: { vectors: pool.book.rows, indexed: pool.index?.indexed ?? 0, full: pool.isFull },
      }),
    };
  },
});

type Recorder<R> = (seconds: number, answer: R) => void;

function counted<R>(answered: Result<R>, metrics: PoolMetrics): Result<R> {
  if (!answered.ok) metrics.refused.add(1, { code: answered.code });
  return answered;
}
