import { ok, SomaError } from "@soma/base";
import { decodeExact } from "@soma/codec";
import { defineConfig } from "@soma/config";
import {
  CommitExecuted,
  EpochOpened,
  GetCommitLeaf,
  GetEpoch,
  GetJob,
  GetShard,
  GetSizing,
} from "@soma/contracts";
import { loadGenesis, OPERATOR_VARIABLES } from "@soma/identity";
import { CheckpointLeafCodec, genesisParameters, type Modality, modalityNumber } from "@soma/protocol";
import { defineService } from "@soma/runtime";
import { quorumOf, rational, shardSeats, shardSize } from "@soma/sampling";
import { ShardBook } from "../core/index.ts";

const MAX_LEAF_BYTES = 64 * 1024;

/** Answers who embeds: the shard of a job's attempt, and how large shards are. Stateless: replicas share the work. */
export const service = defineService()({
  name: "shard-selection",
  config: defineConfig("shard-selection", { genesis: OPERATOR_VARIABLES.genesis }),
  async open({ config, bus, telemetry }) {
    const genesis = loadGenesis(config.genesis);
    const parameters = genesisParameters(genesis);
    if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
    const book = new ShardBook(genesis.chainId, parameters.value);
    const drawn = telemetry.metrics.counter("shard_selection.draws", {
      unit: "{draw}",
      doc: "Shards asked for, by outcome.",
    });

    // Listens before it asks, so that no epoch falls between the two.
    await bus.subscribe(EpochOpened, {}, (info) => book.epochOpened(info));
    await bus.subscribe(CommitExecuted, {}, ({ index, beacon }) => book.commitExecuted(index, beacon));
    const learn = async (epoch: bigint | null) => {
      const info = await bus.request(GetEpoch, {}, { epoch }, { timeoutMs: epoch === null ? 60_000 : 5_000 });
      if (info.ok && info.value !== null) book.epochOpened(info.value);
    };
    await learn(null);

    /** What this replica missed before it started is asked of state. */
    const learnBeacon = async (commit: bigint) => {
      const found = await bus.request(GetCommitLeaf, {}, { commit });
      if (!found.ok || found.value === null) return;
      const leaf = decodeExact(CheckpointLeafCodec, found.value.leaf, MAX_LEAF_BYTES);
      if (leaf.ok && leaf.value.$kind === "Commit") book.commitExecuted(commit, leaf.value.Commit.beacon);
    };

    await bus.respond(GetShard, {}, async ({ job: id, attempt }) => {
      const answer = await bus.request(GetJob, {}, { job: id });
      if (!answer.ok) return answer;
      const found = answer.value.job;
      if (found === null) return ok({ shard: null });
      const job = {
        id,
        modality: modalityNumber(found.modality as Modality),
        paidAtCommit: found.paidAtCommit,
        epoch: found.epoch,
      };
      if (!book.knows(job.epoch)) await learn(job.epoch);
      const commit = book.drawnAt(job, attempt);
      if (book.beacon(commit) === undefined && commit <= answer.value.commit) await learnBeacon(commit);
      const result = book.draw(job, attempt);
      drawn.add(1, { outcome: result.ok ? "drawn" : result.code });
      if (!result.ok) return result.code === "SHARD_NOT_DRAWN" ? ok({ shard: null }) : result;
      const { shard, beacon } = result.value;
      return ok({
        shard: {
          job: id,
          attempt,
          commit,
          beacon,
          quorumSeats: shard.quorum,
          seats: [...shard.seatsOf].map(([encoder, seats]) => ({ encoder, seats })),
        },
      });
    });

    await bus.respond(GetSizing, {}, () => {
      const quorum = rational(BigInt(parameters.value.shardQuorumTenths), 10n);
      const dishonest = rational(1n, 3n);
      const budget = rational(1n, 10n ** 13n);
      const seats = shardSeats(dishonest, quorum, budget);
      if (!seats.ok) return seats;
      const encoders = book.epoch?.roster.length ?? 0;
      const estimate = shardSize({
        encoders: Math.max(1, encoders),
        dishonest,
        quorum,
        budget,
        rounding: "ceil",
      });
      return ok({
        epoch: book.epoch?.epoch ?? 0n,
        encoders,
        seats: seats.value.size,
        quorumSeats: quorumOf(seats.value.size, quorum),
        // A roster too small for the budget has no size: all of it would have to sit.
        hypergeometricSize: estimate.ok ? estimate.value.size : encoders,
      });
    });
    return {};
  },
});
