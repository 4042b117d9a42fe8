import { drawCommit, drawShard, shardDigest } from "@soma/protocol";
import { closeUnserved } from "./close.ts";
import { event, type GameContext, type GameStep } from "./context.ts";
import type { Job } from "./job.ts";

/** SHARD-3: draws the shard of the job's attempt from the beacon of the commit being executed. */
export function drawForJob(context: GameContext, job: Job): GameStep {
  const shard = drawShard({
    chainId: context.chainId,
    epoch: context.epoch,
    parameters: context.parameters,
    modality: job.modality,
    beacon: context.beacon,
    job: job.id,
    attempt: job.attempt,
  });
  if (!shard.ok) return closeUnserved(context, job, shard.code);
  const members = [...shard.value.seatsOf].map(([encoder, seats]) => ({ encoder, seats }));
  const deadline = drawCommit(job.paidAt, job.attempt + 1, context.parameters);
  const drawn: Job = {
    ...job,
    phase: "drawn",
    shard: members.sort((a, b) => (a.encoder < b.encoder ? -1 : 1)),
    quorum: shard.value.quorum,
    deadline,
    posted: [],
    optOuts: [],
  };
  return {
    job: drawn,
    effects: [
      event({
        ShardDrawn: {
          job: job.id,
          attempt: job.attempt,
          commit: context.commit,
          shard: shardDigest(context.chainId, shard.value),
        },
      }),
      { kind: "wake", commit: deadline },
    ],
  };
}
