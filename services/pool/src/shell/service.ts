import { err, ok, type Result } from "@soma/base";
import { defineConfig } from "@soma/config";
import {
  EmbeddingsRecorded,
  GetEmbeddings,
  ListEmbeddings,
  type Payload,
  type Reply,
  SearchPool,
} from "@soma/contracts";
import { fromVectorBytes } from "@soma/embedding";
import { defineService } from "@soma/runtime";
import { PoolIndex, type RecordedJob } from "../core/index.ts";

const PAGE = 64;

/** The embedding pool of an operator: what final proofs recorded, searchable. Rebuilt from state at start. */
export const service = defineService()({
  name: "pool",
  config: defineConfig("pool", {}),
  async open({ bus, telemetry, recovering, signal }) {
    const index = new PoolIndex();
    const size = telemetry.metrics.gauge("pool.vectors", { unit: "{vector}", doc: "Vectors in the index." });
    const searches = telemetry.metrics.histogram("pool.search.duration", {
      unit: "s",
      doc: "Exact searches over the index.",
    });

    const take = (recorded: Payload<typeof EmbeddingsRecorded>) => {
      const job = recordedJob(recorded);
      if (job === undefined) {
        telemetry.log.warn({ job: recorded.job }, "recorded vectors do not decode");
        return;
      }
      index.add(job);
      size.set(index.size);
    };
    await bus.subscribe(EmbeddingsRecorded, {}, take);

    recovering();
    for (let after = 0n; !signal.aborted; ) {
      const page = await bus.request(
        ListEmbeddings,
        {},
        { afterCommit: after, limit: PAGE },
        { timeoutMs: 60_000 },
      );
      if (!page.ok) throw new Error(`state did not list embeddings: ${page.code}`);
      for (const { job, commit } of page.value.jobs) {
        after = commit;
        if (index.has(job)) continue;
        const bytes = await bus.request(GetEmbeddings, {}, { job });
        const decoded = bytes.ok ? EmbeddingsRecorded.decode(bytes.value) : bytes;
        if (decoded.ok) take(decoded.value);
      }
      if (page.value.jobs.length < PAGE) break;
    }

    // A search holds the thread, so few wait for it and the rest are told to come again.
    const searching = { concurrency: 1, maxWaiting: 64 };
    const search = ({
      vector,
      near,
      limit,
    }: Payload<typeof SearchPool>): Result<Reply<typeof SearchPool>> => {
      const query = near === null ? vector && Int16Array.from(vector) : index.vector(near.job, near.item);
      if (!query) return err("POOL_QUERY_NOT_FOUND", "give a vector, or an item that the pool holds");
      const began = performance.now();
      const hits = index.search(query, limit);
      searches.record((performance.now() - began) / 1000);
      return ok({
        commit: index.lastCommit,
        total: index.size,
        hits: hits.map(({ recorded, item, similarity }) => ({
          job: recorded.job,
          item,
          similarity,
          winner: recorded.winner,
          payer: recorded.payer,
          epoch: recorded.epoch,
        })),
      });
    };
    await bus.respond(SearchPool, {}, search, searching);
    return { health: () => ({ ok: true, detail: { vectors: index.size } }) };
  },
});

function recordedJob(recorded: Payload<typeof EmbeddingsRecorded>): RecordedJob | undefined {
  const { finals, items } = recorded;
  const bytesOfItem = finals.length / items;
  if (items === 0 || !Number.isInteger(bytesOfItem)) return undefined;
  const vectors: Int16Array[] = [];
  for (let item = 0; item < items; item++) {
    const vector = fromVectorBytes(finals.subarray(item * bytesOfItem, (item + 1) * bytesOfItem));
    if (!vector.ok) return undefined;
    vectors.push(vector.value);
  }
  return { ...recorded, vectors };
}
