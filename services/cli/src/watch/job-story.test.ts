import {
  type Checkpoint,
  type EpochInfo,
  type EvaluationResult,
  initialParameters,
  type JobOutcome,
  type LedgerEvent,
  type TransactionKind,
  type VerifiedFacts,
  type VerifiedTransaction,
} from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { JobStory, type StoryLine } from "./job-story.ts";
import { scoreTable } from "./score-table.ts";

const parameters = initialParameters("devnet");
const id = (i: number) => String(i).padStart(2, "0").repeat(32);
const JOB = id(77);
const OTHER = id(78);
const NOW = 1_700_000_000_000n;
const signature = new Uint8Array(64);

const epoch = {
  epoch: 4n,
  roster: [1, 2, 3, 4, 5, 6, 7].map((i) => ({
    encoder: id(i),
    stake: 10n,
    messageKey: new Uint8Array(32),
    blsKey: new Uint8Array(48),
    asks: [{ modality: 0, pricePerByte: 1n, tokenizer: id(90) }],
  })),
} as unknown as EpochInfo;

const PAYMENT: TransactionKind = {
  $kind: "GenerateEmbeddings",
  GenerateEmbeddings: {
    modality: 0,
    dataCommitment: id(50),
    sizeBytes: 512n,
    items: 2,
    sessionKey: new Uint8Array(32),
    maxPricePerByte: 1n,
    jobTip: 0n,
  },
};

function transaction(
  kind: TransactionKind,
  leaf: { commit: bigint; digest?: string; refusal?: string; events?: LedgerEvent[] },
): VerifiedTransaction {
  const { commit, digest = id(60), refusal = "", events = [] } = leaf;
  return {
    leaf: { digest, commit, refusal, fee: 1n, events },
    bytes: new Uint8Array(),
    signed: { transaction: { sender: id(40), kind } } as VerifiedTransaction["signed"],
  };
}

function facts(
  parts: Partial<Pick<VerifiedFacts, "transactions" | "deadlines">>,
  commits: number[],
): VerifiedFacts {
  return {
    checkpoint: { epoch: 4n, sequence: 9n } as Checkpoint,
    commits: commits.map((index) => ({
      index: BigInt(index),
      digest: id(70),
      timestampMs: NOW + BigInt(index) * 100n,
      beacon: id(71),
    })),
    transactions: [],
    deadlines: [],
    nextEpoch: null,
    ...parts,
  } as VerifiedFacts;
}

const paid: LedgerEvent = { $kind: "JobPaid", JobPaid: { job: JOB, escrow: 2_000_000_000n, commit: 10n } };
const closed = (outcome: JobOutcome, job = JOB): LedgerEvent => ({
  $kind: "JobClosed",
  JobClosed: { job, outcome },
});
const refunded: JobOutcome = { $kind: "Refunded", Refunded: { refunded: 3n, cause: "no-quorum" } };

function story(): JobStory {
  return new JobStory({
    job: JOB,
    chainId: "test",
    parameters,
    epochInfo: (number) => (number === 4n ? epoch : undefined),
    nameOf: (who) => `e${Number(who.slice(0, 2))}`,
  });
}
const told = (lines: readonly StoryLine[]) => lines.map(({ stage, text }) => `${stage}: ${text}`);

test("a job from its payment to its end, with proven times, others left out", () => {
  const one = story();
  const begin = one.take(
    facts(
      {
        transactions: [
          transaction(PAYMENT, {
            commit: 10n,
            digest: OTHER,
            events: [{ ...paid, JobPaid: { ...paid.JobPaid!, job: OTHER } }],
          }),
          transaction(PAYMENT, { commit: 10n, digest: JOB, events: [paid] }),
        ],
        deadlines: [
          {
            commit: 13n,
            events: [
              { $kind: "ShardDrawn", ShardDrawn: { job: JOB, attempt: 0, commit: 13n, shard: id(72) } },
            ],
          },
        ],
      },
      [10, 11, 12, 13],
    ),
  );
  expect(told(begin)).toEqual([
    "paid: 2 items, 512 bytes of text; 2 tokens in escrow",
    expect.stringMatching(/^drawn: attempt 0: \d+ seats on 7 encoders, \d+ are a quorum$/),
  ]);
  expect(begin.map(({ timestampMs }) => timestampMs)).toEqual([Number(NOW) + 1_000, Number(NOW) + 1_300]);
  expect(begin[0]!.detail).toMatchObject({ items: 2, escrow: 2_000_000_000n, payer: id(40) });

  const signed = (i: number) => ({
    commit: { job: JOB, attempt: 0, encoder: id(i), commitHash: id(80), dataHash: id(81) },
    signature,
  });
  const select: TransactionKind = {
    $kind: "SelectCommits",
    SelectCommits: {
      job: JOB,
      attempt: 0,
      dataHash: id(81),
      commits: [signed(1), signed(2)],
      sessionSignature: signature,
    },
  } as unknown as TransactionKind;
  const selected: LedgerEvent = { $kind: "JobSelected", JobSelected: { job: JOB, selection: id(82) } };
  expect(
    told(one.take(facts({ transactions: [transaction(select, { commit: 20n, events: [selected] })] }, [20]))),
  ).toEqual(["selected: e1, e2"]);

  const result: EvaluationResult = {
    job: JOB,
    selection: id(82),
    bundle: id(83),
    scores: [
      { encoder: id(1), lossPpb: 5_000_000n, lofMicro: 1_100_000n, composite: 30n, disqualified: true },
      { encoder: id(2), lossPpb: 400_000n, lofMicro: 990_000n, composite: 20n, disqualified: false },
    ],
    winner: id(2),
    finalsRoot: id(84),
    items: 2,
  };
  const proof = { $kind: "FinalProof", FinalProof: { result } } as unknown as TransactionKind;
  const settled: JobOutcome = {
    $kind: "Settled",
    Settled: { winner: id(2), paid: 1_500_000_000n, evaluation: id(85) },
  };
  const slashed: LedgerEvent = {
    $kind: "Slashed",
    Slashed: { operator: id(1), amount: 7_000_000_000n, cause: "outlier", job: JOB },
  };
  const end = one.take(
    facts({ transactions: [transaction(proof, { commit: 30n, events: [slashed, closed(settled)] })] }, [30]),
  );
  expect(told(end)).toEqual([
    "slashed: e1 loses 7 tokens of stake: outlier",
    "closed: settled: e2 wins 1.5 tokens",
  ]);
  expect(end[1]!.detail).toMatchObject({
    outcome: "Settled",
    winner: id(2),
    paid: 1_500_000_000n,
    scores: result.scores,
  });
  expect(one.end).toEqual({ outcome: settled, result });
  expect(scoreTable(result, (who) => `e${Number(who.slice(0, 2))}`).map((line) => line.trimEnd())).toEqual([
    "encoder    loss  outlier  composite",
    expect.stringMatching(/^e2 {7}0\.0004 {4}0\.990 {9}20 {2}.*winner/),
    expect.stringMatching(/^e1 {7}0\.0050 {4}1\.100 {9}30 {2}.*out/),
  ]);
});

test("what stands in for a submitter that is gone is told with its encoder", () => {
  const one = story();
  const posted = {
    $kind: "PostReveal",
    PostReveal: { reveal: { reveal: { job: JOB, attempt: 0, encoder: id(3) }, signature } },
  } as unknown as TransactionKind;
  const lines = one.take(facts({ transactions: [transaction(posted, { commit: 40n })] }, [40]));
  expect(told(lines)).toEqual(["posted: reveal of e3"]);
  expect(lines[0]!.detail).toEqual({ kind: "PostReveal", encoder: id(3) });
});

test("a deadline closes a job", () => {
  const one = story();
  const lines = one.take(facts({ deadlines: [{ commit: 50n, events: [closed(refunded)] }] }, [50]));
  expect(told(lines)).toEqual([
    "closed: no result in time (no-quorum): 0.000000003 tokens come back to the payer",
  ]);
  expect(one.end?.result).toBeUndefined();
});

test("another job's end is not this one's", () => {
  const one = story();
  expect(one.take(facts({ deadlines: [{ commit: 50n, events: [closed(refunded, OTHER)] }] }, [50]))).toEqual(
    [],
  );
  expect(one.end).toBeUndefined();
});

describe("refusals", () => {
  test("of the payment end the story, since there is no job", () => {
    const one = story();
    const lines = one.take(
      facts(
        { transactions: [transaction(PAYMENT, { commit: 10n, digest: JOB, refusal: "BALANCE_SHORT" })] },
        [10],
      ),
    );
    expect(told(lines)).toEqual(["refused: GenerateEmbeddings was refused: BALANCE_SHORT"]);
    expect(one.refusal).toBe("BALANCE_SHORT");
  });

  test("of what came later are told and change nothing", () => {
    const one = story();
    const bundle = { $kind: "PostBundle", PostBundle: { job: JOB } } as unknown as TransactionKind;
    const lines = one.take(
      facts({ transactions: [transaction(bundle, { commit: 10n, refusal: "JOB_STATE" })] }, [10]),
    );
    expect(told(lines)).toEqual(["refused: PostBundle was refused: JOB_STATE"]);
    expect(one.refusal).toBeUndefined();
  });

  test("of what came after the end are no news", () => {
    const one = story();
    const late = { $kind: "PostBundle", PostBundle: { job: JOB } } as unknown as TransactionKind;
    const lines = one.take(
      facts(
        {
          transactions: [transaction(late, { commit: 51n, refusal: "JOB_STATE" })],
          deadlines: [{ commit: 50n, events: [closed(refunded)] }],
        },
        [50, 51],
      ),
    );
    expect(lines.map(({ stage }) => stage)).toEqual(["closed"]);
  });
});
