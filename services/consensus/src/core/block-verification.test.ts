import { type BlockBody, type BlockRef, encodeSignedBlock } from "@soma/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlockOpener, verifyBlock } from "./block-verification.ts";
import { genesisRefs } from "./epoch-context.ts";
import { CONSENSUS_RULES } from "./rules.ts";
import { committeeOf } from "./support.ts";
import { epochOf } from "./testing/epoch.ts";

const { info } = epochOf([1n, 1n, 1n, 1n]);
const stakes = info.committee.map(({ stake }) => stake);
const genesis = genesisRefs("test", { info });
const digest = (n: number) => n.toString(16).padStart(64, "0");
const parents = (round: number): BlockRef[] =>
  [1, 0, 2].map((author) => ({ round, author, digest: digest(16 * round + author) }));
const good: BlockBody = {
  epoch: 0n,
  round: 5,
  author: 1,
  timestampMs: 1n,
  ancestors: parents(4),
  transactions: [],
  commitVotes: [],
  vrfProof: new Uint8Array(0),
};
const check = (change: Partial<BlockBody>, isSigned = true) =>
  verifyBlock(
    { ...good, ...change },
    {
      epoch: 0n,
      committee: committeeOf(stakes, CONSENSUS_RULES.quorum),
      support: () => CONSENSUS_RULES.support(stakes),
      genesis: genesis.map((ref) => ref.digest),
      isSigned: () => isSigned,
    },
  );
const [own, first, second] = good.ancestors as [BlockRef, BlockRef, BlockRef];
const bytes = (length: number) => new Uint8Array(length);

describe("CONS-2", () => {
  test("a good block passes, of round 1 too", () => {
    expect(check({})).toBeNull();
    expect(check({ round: 1, ancestors: [genesis[1]!, genesis[0]!, genesis[3]!] })).toBeNull();
    expect(check({ vrfProof: bytes(80) })).toBeNull();
  });

  test.each<[string, Partial<BlockBody>]>([
    ["WrongEpoch", { epoch: 1n, round: 0 }],
    ["UnexpectedGenesis", { round: 0, author: 9 }],
    ["InvalidAuthor", { author: 4 }],
    ["TooManyAncestors", { ancestors: [...good.ancestors, ...parents(3)] }],
    ["InsufficientParents", { ancestors: [] }],
    ["InvalidAuthor", { ancestors: [own, { ...first, author: 4 }, second] }],
    ["InvalidAncestorPosition", { ancestors: [first, own, second] }],
    ["InvalidAncestorPosition", { ancestors: [own, first, { ...own, round: 3 }] }],
    ["InvalidAncestorRound", { ancestors: [own, { ...first, round: 5 }, second] }],
    ["UnknownGenesis", { round: 1, ancestors: [genesis[1]!, { ...genesis[0]!, digest: digest(7) }] }],
    ["DuplicateAncestorAuthor", { ancestors: [own, first, { ...first, digest: digest(9) }] }],
    ["InsufficientParents", { ancestors: [own, first, { ...second, round: 3 }] }],
    ["TooManyTransactions", { transactions: Array.from({ length: 513 }, () => bytes(1)) }],
    ["TransactionTooLarge", { transactions: [bytes(256 * 1024 + 1)] }],
    ["TransactionsTooLarge", { transactions: [bytes(256 * 1024), bytes(256 * 1024), bytes(1)] }],
    [
      "TooManyCommitVotes",
      { commitVotes: Array.from({ length: 101 }, (_, i) => ({ index: BigInt(i), digest: digest(i) })) },
    ],
    [
      "DuplicateCommitVote",
      {
        commitVotes: [
          { index: 1n, digest: digest(1) },
          { index: 1n, digest: digest(2) },
        ],
      },
    ],
    ["InvalidVrfProofLength", { vrfProof: bytes(79) }],
  ])("%s %#", (fault, change) => expect(check(change)).toBe(fault));

  test("the signature is checked after the author and before the ancestors", () => {
    expect(check({ author: 4 }, false)).toBe("InvalidAuthor");
    expect(check({ ancestors: [] }, false)).toBe("InvalidSignature");
  });
});

describe("BlockOpener", () => {
  const opener = new BlockOpener("test", info, { ed25519: (_, __, signature) => signature[0] === 1 });
  const signed = encodeSignedBlock({ body: good, signature: bytes(64).fill(1) });

  test("names a block by its bytes, the signature included", () => {
    const opened = opener.open(signed);
    const other = opener.open(encodeSignedBlock({ body: good, signature: bytes(64).fill(1, 0, 63) }));
    expect(opened).toMatchObject({ ok: true, value: { body: good, ref: { round: 5, author: 1 } } });
    expect(opened.ok && other.ok && opened.value.ref.digest !== other.value.ref.digest).toBe(true);
  });

  test("refuses a bad signature by its code", () => {
    const bad = encodeSignedBlock({ body: good, signature: bytes(64) });
    expect(opener.open(bad)).toMatchObject({ ok: false, code: "CONSENSUS_BLOCK_InvalidSignature" });
  });

  test("never throws, and takes no changed bytes for the same block", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => !opener.open(junk).ok));
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(signed);
        changed[at]! ^= flip;
        const [a, b] = [opener.open(changed), opener.open(signed)];
        return !a.ok || (b.ok && a.value.ref.digest !== b.value.ref.digest);
      }),
    );
  });
});
