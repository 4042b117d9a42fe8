import { concatBytes, toHex } from "@soma/base";
import { describe, expect, test } from "vitest";
import {
  beaconAlpha,
  epochSeed,
  genesisBeacon,
  jobSeed,
  leaderSeed,
  nextBeacon,
  shardSeed,
  tieKey,
} from "./seeds.ts";

const bytes = (from: number, to: number) => Uint8Array.from({ length: to - from }, (_, i) => from + i);
const beacon = bytes(0, 32);
const job = bytes(32, 64);

describe("seeds, by a Python implementation of the pre-image table", () => {
  test.each([
    [
      "genesis",
      genesisBeacon("test", beacon),
      "7c3f72f8a7dd88020b456dd3f483b18d43d6ec34870c2e1e27a7bfca2f6852ba",
    ],
    ["alpha", beaconAlpha("test", 7n, 9), "736f6d612e767266007465737400000000000000000700000009"],
    [
      "RAND-1",
      nextBeacon("test", beacon, bytes(64, 128)),
      "26d7e87e84202a7d31982ebb622ce8cf137df2de88225fe63661f61699be09ff",
    ],
    ["RAND-2", epochSeed(beacon), toHex(beacon)],
    [
      "CONS-7",
      leaderSeed("test", beacon, 5),
      "056c27c45a13d1fe05a1920a1c93f873c3fd7e04a757e57910205567a574c03f",
    ],
    [
      "SHARD-3",
      shardSeed("test", beacon, job, 2),
      "9db8772203bd822a007b9f6fd47a4ba5ad6fc7aa752204a63c4adad44f86fc95",
    ],
    ["job", jobSeed("test", beacon, job), "c78679cdaaaad694fc63e49ddbc979af73cfd0a86aceb130e03091da46ac53d4"],
    [
      "ARITH-6",
      tieKey("test", beacon, job.subarray(0, 20)),
      "658add9e6de375f71a1993d35f9c030f1d9570dfb105d882439d5b90c79c029a",
    ],
  ])("%s", (_, actual, expected) => {
    expect(toHex(actual)).toBe(expected);
  });

  test("a part of another width is refused, so that no two pre-images share bytes", () => {
    const long = concatBytes(beacon, Uint8Array.of(0));
    for (const wrong of [long, beacon.subarray(1)]) {
      expect(() => nextBeacon("test", wrong, bytes(64, 128))).toThrow(RangeError);
      expect(() => nextBeacon("test", beacon, wrong)).toThrow(RangeError);
      expect(() => leaderSeed("test", wrong, 5)).toThrow(RangeError);
      expect(() => shardSeed("test", beacon, wrong, 2)).toThrow(RangeError);
      expect(() => jobSeed("test", beacon, wrong)).toThrow(RangeError);
      expect(() => tieKey("test", wrong, job)).toThrow(RangeError);
    }
    expect(() => leaderSeed("test", beacon, -1)).toThrow(RangeError);
  });
});
