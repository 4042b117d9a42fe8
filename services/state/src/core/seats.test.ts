import { minBig } from "@soma/base";
import { encode } from "@soma/codec";
import { EpochInfoCodec, PARAMETER_TABLE } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seated } from "./seats.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");
const ranking = { chainId: "test", seed: "ab".repeat(32) };

describe("ADR 0023: seats", () => {
  test("go to the highest stakes, in the order of ids; nobody without a seat has more than who has one", () => {
    const stakes = fc.array(fc.bigInt(1n, 5n), { maxLength: 40 });
    fc.assert(
      fc.property(stakes, fc.integer({ min: 1, max: 12 }), (all, seats) => {
        const candidates = all.map((stake, i) => ({ id: id(i), stake }));
        const taken = seated(candidates, (candidate) => candidate.id, seats, ranking);
        expect(taken.length).toBe(Math.min(seats, all.length));
        expect(taken.map((candidate) => candidate.id)).toEqual(taken.map((candidate) => candidate.id).sort());
        const least = taken.reduce((low, { stake }) => minBig(stake, low), 9n);
        const left = candidates.filter((candidate) => !taken.includes(candidate));
        expect(left.every(({ stake }) => stake <= least)).toBe(true);
      }),
    );
  });

  test("equal stakes are drawn anew each epoch", () => {
    const candidates = Array.from({ length: 20 }, (_, i) => ({ id: id(i), stake: 1n }));
    const take = (seed: string) => seated(candidates, (c) => c.id, 5, { ...ranking, seed }).map((c) => c.id);
    // By the hashing of test/vectors/reference, which is another implementation.
    expect(take("ab".repeat(32))).toEqual([4, 5, 12, 14, 19].map(id));
    expect(take("ab".repeat(32))).not.toEqual(take("cd".repeat(32)));
  });

  test("the facts of an epoch with all seats taken, and the longest addresses, fit a message", () => {
    const keys = { blockKey: new Uint8Array(32), blsKey: new Uint8Array(48), vrfKey: new Uint8Array(32) };
    const ask = { modality: 0, pricePerByte: 1n, tokenizer: id(0) };
    const address = "\uffff".repeat(256);
    const committee = Array.from({ length: PARAMETER_TABLE.committeeSeats.max }, (_, i) => ({
      ...keys,
      validator: id(i),
      stake: 1n,
      edgeAddress: address,
      gatewayAddress: address,
    }));
    const roster = Array.from({ length: PARAMETER_TABLE.rosterSeats.max }, (_, i) => ({
      encoder: id(i),
      stake: 1n,
      messageKey: keys.blockKey,
      blsKey: keys.blsKey,
      asks: [ask],
    }));
    const info = {
      epoch: 1n,
      startTimestampMs: 0n,
      lastCommit: 0n,
      seed: id(1),
      lastBlock: id(2),
      committee,
      roster,
      prices: [1n, 1n, 1n, 1n],
      baseFee: 1n,
      protocolVersion: 1,
      parameters: id(3),
    };
    // `EpochOpened` and `GetEpoch` take 900 KiB.
    expect(encode(EpochInfoCodec, info).length).toBeLessThan(900 * 1024);
  });
});
