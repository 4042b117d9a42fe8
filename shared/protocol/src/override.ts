import { concatBytes, err, ok, type Result, toHex } from "@soma/base";
import { bcs, byteString, bytes32, decodeExact, encode, u64 } from "@soma/codec";
import { domain, type SignatureVerifier, taggedHash } from "@soma/crypto";
import { type EpochInfo, quorumStake } from "./epoch.ts";
import type { Digest } from "./ids.ts";
import { SettlementCodec } from "./settlement.ts";

/** Largest signed override: it travels in one envelope and in one request. */
export const MAX_OVERRIDE_BYTES = 900 * 1024;

/** A ledger entry and what it becomes; null removes it. */
const EntryCodec = bcs.struct("OverriddenEntry", { key: bcs.string(), value: bcs.option(byteString) });

/** What is decided in the place of what failed. `entries` are set first, ascending by key. */
export const ResolutionCodec = bcs.enum("Resolution", {
  /** The commit is executed without the transactions of these digests. */
  Execute: bcs.struct("ExecuteResolution", { omit: bcs.vector(bytes32), entries: bcs.vector(EntryCodec) }),
  /** The closing commit, executed as it is, is settled thus. */
  Settle: bcs.struct("SettleResolution", { settlement: SettlementCodec, entries: bcs.vector(EntryCodec) }),
});
export type Resolution = typeof ResolutionCodec.$inferType;
export type ResolutionInput = typeof ResolutionCodec.$inferInput;

export const OverrideCodec = bcs.struct("Override", {
  epoch: u64,
  /** The commit at which every ledger halted, and its digest. */
  commit: u64,
  commitDigest: bytes32,
  /** LtHash of the halted ledger: before the commit for `Execute`, after it for `Settle`. */
  stateDigest: bytes32,
  resolution: ResolutionCodec,
});
/** DESIGN section 4: how a network that halted goes on (`shared/docs/protocol/override.md`). */
export type Override = typeof OverrideCodec.$inferType;
export type OverrideInput = typeof OverrideCodec.$inferInput;

const StatementCodec = bcs.struct("OverrideStatement", {
  epoch: u64,
  commit: u64,
  commitDigest: bytes32,
  stateDigest: bytes32,
  resolution: bytes32,
});

export const SignedOverrideCodec = bcs.struct("SignedOverride", {
  override: OverrideCodec,
  /** Ascending by validator; BLS over `overrideSigningBytes`. */
  signatures: bcs.vector(bcs.struct("OverrideSignature", { validator: bytes32, signature: bcs.bytes(96) })),
});
/** An override with signatures of quorum stake of its epoch's committee, or on its way there. */
export type SignedOverride = typeof SignedOverrideCodec.$inferType;

/** Which step of a commit an override stands in for. */
export type HaltStage = "execution" | "settlement";

export function stageOf({ resolution }: Pick<Override, "resolution">): HaltStage {
  return resolution.$kind === "Execute" ? "execution" : "settlement";
}

export function resolutionDigest(chainId: string, resolution: Resolution): Digest {
  return toHex(taggedHash("soma.override.resolution", chainId, encode(ResolutionCodec, resolution)));
}

/** Bytes that validators sign with BLS: domain "soma.override", then halt point and resolution's digest. */
export function overrideSigningBytes(chainId: string, override: Override): Uint8Array {
  const statement = { ...override, resolution: resolutionDigest(chainId, override.resolution) };
  return concatBytes(domain("soma.override", chainId), encode(StatementCodec, statement));
}

/** Names an override whoever signed it. */
export function overrideDigest(chainId: string, override: Override): Digest {
  return toHex(taggedHash("soma.override.id", chainId, encode(OverrideCodec, override)));
}

export function encodeSignedOverride(signed: SignedOverride): Uint8Array {
  return encode(SignedOverrideCodec, signed);
}

export function decodeSignedOverride(bytes: Uint8Array): Result<SignedOverride> {
  return decodeExact(SignedOverrideCodec, bytes, MAX_OVERRIDE_BYTES);
}

/**
 * Signatures of quorum stake of `epoch`'s committee. Refusals: OVERRIDE_EPOCH, OVERRIDE_ORDER (not ascending, or one
 * twice), OVERRIDE_STRANGER, OVERRIDE_SIGNATURE, OVERRIDE_STAKE.
 */
export function verifyOverride(
  chainId: string,
  { override, signatures }: SignedOverride,
  epoch: EpochInfo,
  verifier: SignatureVerifier,
): Result<true> {
  if (override.epoch !== epoch.epoch) {
    return err("OVERRIDE_EPOCH", `of epoch ${override.epoch}, the committee is of ${epoch.epoch}`);
  }
  const message = overrideSigningBytes(chainId, override);
  let stake = 0n;
  let last = "";
  for (const { validator, signature } of signatures) {
    if (validator <= last) return err("OVERRIDE_ORDER", "signatures are not ascending by validator");
    last = validator;
    const member = epoch.committee.find((candidate) => candidate.validator === validator);
    if (member === undefined) {
      return err("OVERRIDE_STRANGER", `${validator} is not of the committee of epoch ${epoch.epoch}`);
    }
    if (!verifier.bls([member.blsKey], message, signature)) {
      return err("OVERRIDE_SIGNATURE", `the signature of ${validator} does not verify`);
    }
    stake += member.stake;
  }
  const total = epoch.committee.reduce((sum, member) => sum + member.stake, 0n);
  return stake >= quorumStake(total)
    ? ok(true)
    : err("OVERRIDE_STAKE", `signed by ${stake} of ${total}; ${quorumStake(total)} are needed`);
}
