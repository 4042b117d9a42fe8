import { encode } from "@soma/codec";
import { aggregateBls } from "@soma/crypto/native";
import { bitmapOf, CertifiedCheckpointCodec, checkpointSigningBytes, TOKEN } from "@soma/protocol";
import { PAID_REFUSALS, supplyTotal } from "@soma/state/core";
import { describe, expect, test } from "vitest";
import { transfer } from "./kinds.ts";
import { type Actor, CHAIN_ID, TestChain } from "./test-chain.ts";

const CAP = 1_000_000n * TOKEN;

/** A chain with a checkpoint, and statements of its committee over it or over another of its place. */
function forked() {
  const chain = new TestChain();
  const [ann, bob] = chain.people as [Actor, Actor];
  while (chain.checkpoints.length === 0) chain.send(bob, transfer(ann.address, 1n));
  const { checkpoint } = chain.checkpoints[0]!;
  const other = { ...checkpoint, stateDigest: "ab".repeat(32) };
  const { committee } = chain.ledger.currentEpoch;
  const actorAt = (index: number) =>
    chain.validators.find(({ address }) => address === committee[index]!.validator)!;
  /** `named` are those whom the bitmap says to have signed. */
  const signed = (over: typeof checkpoint, signers: readonly number[], named = signers) =>
    encode(CertifiedCheckpointCodec, {
      checkpoint: over,
      signers: bitmapOf(named, committee.length),
      aggregateSignature: aggregateBls(
        signers.map((index) => actorAt(index).bls.sign(checkpointSigningBytes(CHAIN_ID, over))),
      ),
    });
  const submit = (first: Uint8Array, second: Uint8Array) =>
    chain.send(ann, { SubmitCheckpointFork: { first, second } });
  const stakeAt = (index: number) =>
    chain.ledger.operators("validator").find(({ id }) => id === committee[index]!.validator)?.stake;
  return { chain, ann, checkpoint, other, actorAt, signed, submit, stakeAt };
}

describe("CONS-13: two checkpoints of one place", () => {
  test("two certificates slash all who signed both, ban them for the epoch, and pay who brought it", () => {
    const { chain, ann, checkpoint, other, actorAt, signed, submit, stakeAt } = forked();
    const before = chain.ledger.balanceOf(ann.address);
    expect(submit(signed(checkpoint, [0, 1, 2]), signed(other, [1, 2, 3]))).toBe("");
    expect([0, 1, 2, 3].map(stakeAt)).toEqual([1_000n, 900n, 900n, 1_000n].map((n) => n * TOKEN));
    expect(chain.ledger.balanceOf(ann.address) - before).toBe(2n * 5n * TOKEN - 1_000n);
    expect(supplyTotal(chain.ledger.supply)).toBe(CAP);
    chain.endEpoch();
    const members = chain.ledger.currentEpoch.committee.map(({ validator }) => validator);
    expect([1, 2].map((index) => members.includes(actorAt(index).address))).toEqual([false, false]);
    chain.endEpoch();
    expect(chain.ledger.currentEpoch.committee).toHaveLength(4);
  });

  test("a single signature over each is enough, and one epoch's offence is punished once", () => {
    const { checkpoint, other, signed, submit, stakeAt } = forked();
    const third = { ...other, leaves: other.leaves + 1 };
    expect(submit(signed(checkpoint, [3]), signed(other, [3]))).toBe("");
    expect(submit(signed(other, [3]), signed(checkpoint, [3]))).toBe("EVIDENCE_KNOWN");
    expect(submit(signed(checkpoint, [3]), signed(third, [3]))).toBe("EVIDENCE_KNOWN");
    expect(submit(signed(checkpoint, [2, 3]), signed(third, [2, 3]))).toBe("");
    expect([2, 3].map(stakeAt)).toEqual([900n * TOKEN, 900n * TOKEN]);
  });

  test("evidence comes too late when the epoch is no longer kept, and in time before", () => {
    const { chain, checkpoint, other, signed, submit } = forked();
    for (let i = 0; i < 3; i++) chain.endEpoch();
    expect(submit(signed(checkpoint, [0]), signed(other, [0]))).toBe("");
    chain.endEpoch();
    expect(submit(signed(checkpoint, [1]), signed(other, [1]))).toBe("EVIDENCE_SLOT");
  });

  test.each<[string, string, (of: ReturnType<typeof forked>) => string]>([
    ["noise", "EVIDENCE_MALFORMED", ({ submit }) => submit(new Uint8Array(9), new Uint8Array(9))],
    [
      "a bitmap of another committee",
      "EVIDENCE_MALFORMED",
      ({ checkpoint, other, signed, submit }) =>
        submit(
          signed(checkpoint, [0]),
          signed(other, [0]).map((byte, i, all) => (i === all.length - 97 ? 0xff : byte)),
        ),
    ],
    [
      "one checkpoint with two sets of signers",
      "EVIDENCE_SLOT",
      ({ checkpoint, signed, submit }) => submit(signed(checkpoint, [0, 1]), signed(checkpoint, [0, 2])),
    ],
    [
      "another place",
      "EVIDENCE_SLOT",
      ({ checkpoint, signed, submit }) =>
        submit(signed(checkpoint, [0]), signed({ ...checkpoint, sequence: checkpoint.sequence + 1n }, [0])),
    ],
    [
      "no common signer",
      "EVIDENCE_SLOT",
      ({ checkpoint, other, signed, submit }) => submit(signed(checkpoint, [0, 1]), signed(other, [2, 3])),
    ],
    [
      "an honest one named beside a culprit",
      "EVIDENCE_SIGNATURE",
      ({ checkpoint, other, signed, submit }) =>
        submit(signed(checkpoint, [0, 1]), signed(other, [0], [0, 1])),
    ],
    [
      "nobody named",
      "EVIDENCE_SLOT",
      ({ checkpoint, other, signed, submit }) => submit(signed(checkpoint, [0], []), signed(other, [0], [])),
    ],
  ])("%s is refused with %s, and slashes nobody", (_, code, act) => {
    const court = forked();
    expect(act(court)).toBe(code);
    expect(code in PAID_REFUSALS).toBe(true);
    expect([0, 1, 2, 3].map(court.stakeAt)).toEqual(Array(4).fill(1_000n * TOKEN));
  });
});
