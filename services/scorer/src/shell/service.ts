import { join } from "node:path";
import { accept, defer as later, reject, type Verdict } from "@soma/actor";
import { EvaluationFailed, EvaluationRequested, EvaluationStream, JobEvaluated } from "@soma/contracts";
import { AddressGuard, defineService } from "@soma/runtime";
import { BlobFolder } from "@soma/storage";
import type { EvaluationRequest } from "../core/evaluate-request.ts";
import { ScorerConfig } from "./config.ts";
import { Evaluator } from "./evaluator.ts";
import { scorerMetrics } from "./metrics.ts";
import { fetchVectors } from "./vectors.ts";

const LOOK_AT_QUEUE_MS = 5_000;

/** Evaluates jobs for the operator's encoder (GAME-7). Holds no state: any worker may take any request. */
export const service = defineService()({
  name: "scorer",
  config: ScorerConfig,
  async open({ config, bus, telemetry, signal, use, defer, fail }) {
    const metrics = scorerMetrics(telemetry);
    const guard = use(new AddressGuard({ allowed: config.peerNetworks, telemetry }));
    const own = await BlobFolder.open(join(config.data, "blobs"));
    const began = performance.now();
    const evaluator = use(await Evaluator.open(config.threads));
    telemetry.log.info({ ms: Math.round(performance.now() - began) }, "evaluates as the network does");
    void evaluator.failed.then(fail);
    await bus.ensureStream(EvaluationStream);

    async function evaluate(request: EvaluationRequest): Promise<Verdict> {
      const attributes = { "soma.job": request.job };
      const began = performance.now();
      const blobs = await telemetry.withSpan("fetch vectors", { attributes }, () =>
        fetchVectors(request, {
          own,
          downloads: config.downloads,
          timeoutMs: config.fetchTimeout,
          rounds: config.fetchRounds,
          fetch: guard.fetch,
          signal,
        }),
      );
      const fetched = performance.now();
      metrics.fetchSeconds.record((fetched - began) / 1000);
      const present = blobs.filter((blob) => blob !== undefined);
      // Draining broke the downloads off: another worker takes the request at once.
      if (present.length < blobs.length && signal.aborted) return later(0);
      if (present.length < blobs.length) {
        const missing = request.reveals
          .filter((_, i) => blobs[i] === undefined)
          .map(({ encoder }) => encoder);
        await bus.publish(EvaluationFailed, {}, { job: request.job, bundle: request.bundle, missing });
        metrics.evaluations.add(1, { outcome: "missing" });
        telemetry.log.warn({ job: request.job, missing: missing.length }, "vectors are missing");
        return accept;
      }
      const evaluated = await telemetry.withSpan("evaluate", { attributes }, () =>
        evaluator.evaluate(request, present),
      );
      if (!evaluated.ok) {
        metrics.evaluations.add(1, { outcome: "refused" });
        return reject(evaluated.code);
      }
      const { result, finals, exclusions } = evaluated.value;
      await bus.publish(JobEvaluated, {}, { job: request.job, result, finals });
      metrics.seconds.record((performance.now() - fetched) / 1000);
      metrics.evaluations.add(1, { outcome: "evaluated" });
      metrics.items.add(result.items);
      for (const cause of exclusions) metrics.exclusions.add(1, { cause });
      telemetry.log.info(
        { job: request.job, winner: result.winner, encoders: present.length },
        "job evaluated",
      );
      return accept;
    }

    await bus.consume(
      EvaluationRequested,
      {
        durable: "scorer",
        order: "none",
        maxInFlight: config.threads,
        ackWaitMs: config.redeliverAfter,
      },
      evaluate,
    );
    const looking = setInterval(() => {
      bus.streamState(EvaluationStream).then(
        ({ messages }) => metrics.waiting.set(messages),
        (error: unknown) => telemetry.log.debug({ error: String(error) }, "the queue cannot be read"),
      );
    }, LOOK_AT_QUEUE_MS);
    defer(() => clearInterval(looking));
    return {};
  },
});
