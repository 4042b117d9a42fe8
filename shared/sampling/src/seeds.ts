import { concatBytes, u32be, u64be } from "@soma/base";
import { domain, taggedHash } from "@soma/crypto";

/** Parts of fixed width keep a pre-image readable in one way only. */
function exactly(width: number, part: Uint8Array, name: string): Uint8Array {
  if (part.length !== width) throw new RangeError(`${name} has ${width} bytes, not ${part.length}`);
  return part;
}

/** The beacon before the first commit, from the digest of the genesis file (32 bytes). */
export function genesisBeacon(chainId: string, genesisDigest: Uint8Array): Uint8Array {
  return taggedHash("soma.beacon.genesis", chainId, exactly(32, genesisDigest, "the genesis digest"));
}

/** RAND-1, what a leader's VRF is computed over: the tag, the chain id, and (epoch u64, round u32). */
export function beaconAlpha(chainId: string, epoch: bigint | number, round: number): Uint8Array {
  return concatBytes(domain("soma.vrf", chainId), u64be(epoch), u32be(round));
}

/** RAND-1: beacon(c) from beacon(c-1), 32 bytes, and the 64-byte VRF output of commit c's leader block. */
export function nextBeacon(chainId: string, previous: Uint8Array, vrfOutput: Uint8Array): Uint8Array {
  return taggedHash(
    "soma.beacon",
    chainId,
    exactly(32, previous, "a beacon"),
    exactly(64, vrfOutput, "a VRF output"),
  );
}

/** RAND-2: the seed of an epoch is the beacon of the last commit of the epoch before it, unchanged. */
export function epochSeed(lastBeacon: Uint8Array): Uint8Array {
  return exactly(32, lastBeacon, "a beacon");
}

/** CONS-7: the seed that draws the leader of `round`. */
export function leaderSeed(chainId: string, seedOfEpoch: Uint8Array, round: number): Uint8Array {
  return taggedHash("soma.leader", chainId, exactly(32, seedOfEpoch, "an epoch seed"), u32be(round));
}

/** SHARD-3: the seed that draws the shard of attempt `attempt` of a job, from the beacon of its commit. */
export function shardSeed(
  chainId: string,
  beacon: Uint8Array,
  jobId: Uint8Array,
  attempt: number,
): Uint8Array {
  return taggedHash(
    "soma.shard",
    chainId,
    exactly(32, beacon, "a beacon"),
    exactly(32, jobId, "a job id"),
    u32be(attempt),
  );
}

/** ARITH-6: the seed of a job's ties, from the beacon that drew its shard, so that nobody can grind an id. */
export function jobSeed(chainId: string, beacon: Uint8Array, jobId: Uint8Array): Uint8Array {
  return taggedHash(
    "soma.job.seed",
    chainId,
    exactly(32, beacon, "a beacon"),
    exactly(32, jobId, "a job id"),
  );
}

/** ARITH-6: the key by which ties that pay somebody break, the lowest (as bytes) first. */
export function tieKey(chainId: string, seedOfJob: Uint8Array, id: Uint8Array): Uint8Array {
  return taggedHash("soma.tie", chainId, exactly(32, seedOfJob, "a job seed"), id);
}
