import type { Address, Amount, EncoderId } from "@soma/protocol";
import type { GameContext, GameEffect } from "./context.ts";
import type { Job, SlashCause } from "./job.ts";

/**
 * Slashes `encoder` unless it was slashed for this cause in this job before (ECON-8: once per job and cause).
 * `hearsay` says that others' choice or word decides it, not the encoder's own signatures or silence: then it
 * costs at most what the encoder's seats of the job are worth (ADR 0001).
 */
export function penalise(
  context: GameContext,
  job: Job,
  encoder: EncoderId,
  cause: SlashCause,
  bringer: Address | null,
  hearsay = cause === "unselected",
): { job: Job; effects: GameEffect[] } {
  if (job.slashed.some((slash) => slash.encoder === encoder && slash.cause === cause)) {
    return { job, effects: [] };
  }
  const slash: GameEffect = {
    kind: "slash",
    encoder,
    cause,
    bps: rateOf(context, cause),
    cap: hearsay ? seatsPart(job, encoder) : null,
    bringer,
  };
  return { job: { ...job, slashed: [...job.slashed, { encoder, cause }] }, effects: [slash] };
}

function rateOf({ parameters }: GameContext, cause: SlashCause): number {
  switch (cause) {
    case "unselected":
      return parameters.slashUnselectedBps;
    case "reveal":
      return parameters.slashRevealBps;
    case "opt-out-commit":
      return parameters.slashOptOutCommitBps;
    case "no-signature":
      return parameters.slashNoSignatureBps;
  }
}

/** The part of the fee that falls to the encoder's seats. */
export function seatsPart(job: Job, encoder: EncoderId): Amount {
  const seats = job.shard.find((member) => member.encoder === encoder)?.seats ?? 0;
  return job.quorum === 0 ? 0n : (job.fee * BigInt(seats)) / BigInt(job.quorum);
}
