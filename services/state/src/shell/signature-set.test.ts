import { aggregateBls, BlsKey, nativeVerifier } from "@soma/crypto/native";
import {
  bitmapIndices,
  type Checkpoint,
  checkpointSigningBytes,
  type EpochInfo,
  verifyCertificate,
} from "@soma/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SignatureSet } from "./signature-set.ts";

const CHAIN = "test";
const ZEROS = "00".repeat(32);
const keys = Array.from({ length: 7 }, (_, i) => BlsKey.fromSeed(new Uint8Array(32).fill(i + 1)));
const epoch: EpochInfo = {
  epoch: 3n,
  startTimestampMs: 0n,
  lastCommit: 0n,
  seed: ZEROS,
  lastBlock: ZEROS,
  committee: keys.map((key, i) => ({
    validator: `${i}`.repeat(64),
    stake: BigInt(10 + i),
    blockKey: new Uint8Array(32),
    blsKey: key.publicKey,
    vrfKey: new Uint8Array(32),
    edgeAddress: "a",
    gatewayAddress: "b",
  })),
  roster: [],
  prices: [],
  baseFee: 0n,
  protocolVersion: 1,
  parameters: ZEROS,
};
const checkpoint: Checkpoint = {
  epoch: 3n,
  sequence: 9n,
  previous: ZEROS,
  commitIndex: 70n,
  commitDigest: ZEROS,
  timestampMs: 5n,
  effectsRoot: ZEROS,
  leaves: 1,
  stateDigest: ZEROS,
  nextEpoch: null,
};
const good = keys.map((key) => key.sign(checkpointSigningBytes(CHAIN, checkpoint)));
const bad = keys.map((key) => key.sign(new Uint8Array(1)));
const malformed = new Uint8Array(96);

/** A point of the curve: one that is met by chance lies outside the group. */
const stray = pointBeside(good[0]!);

type Conduct = "signs" | "lies" | "babbles" | "strays" | "is silent";

function pointBeside(signature: Uint8Array): Uint8Array {
  for (let step = 1; ; step++) {
    const near = Uint8Array.from(signature);
    near[95]! ^= step;
    try {
      aggregateBls([near]);
      return near;
    } catch {
      // No point has this coordinate: half of them have none.
    }
  }
}

test("certifies exactly when valid signatures of quorum stake are there, and finds who is to blame", () => {
  const conduct = fc.constantFrom<Conduct>(
    "signs",
    "signs",
    "signs",
    "lies",
    "babbles",
    "strays",
    "is silent",
  );
  fc.assert(
    fc.property(fc.array(conduct, { minLength: 7, maxLength: 7 }), (conducts) => {
      const set = new SignatureSet(CHAIN, checkpoint, epoch, nativeVerifier);
      for (const [member, does] of conducts.entries()) {
        if (does === "is silent") continue;
        const signature = {
          signs: good[member]!,
          lies: bad[member]!,
          babbles: malformed,
          strays: stray,
        }[does];
        expect(set.add(member, signature)).toBe(true);
        expect(set.add(member, signature)).toBe(false);
      }
      const certificate = set.certify();
      const honest = conducts.flatMap((does, member) => (does === "signs" ? [member] : []));
      const stake = honest.reduce((sum, member) => sum + epoch.committee[member]!.stake, 0n);
      // Of 91; quorum is 61.
      expect(certificate !== undefined).toBe(stake >= 61n);
      if (certificate === undefined) return;
      expect(verifyCertificate(CHAIN, certificate, epoch, nativeVerifier)).toEqual({ ok: true, value: true });
      expect(bitmapIndices(certificate.signers, 7)).toEqual({ ok: true, value: honest });
      const blamed = conducts.flatMap((does, member) =>
        does === "signs" || does === "is silent" ? [] : [member],
      );
      expect([...set.refused].sort()).toEqual(blamed);
      for (const member of blamed) expect(set.add(member, good[member]!)).toBe(false);
    }),
    { numRuns: 60 },
  );
});
