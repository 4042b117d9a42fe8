import { Ed25519Key } from "@soma/crypto/native";
import { type JobMessage, jobSigningBytes, type Shard } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { EncoderAnswers } from "./encoder-answers.ts";

const CHAIN = "test";
const JOB = "aa".repeat(32);
const OTHER_JOB = "ab".repeat(32);
const HASH = "bb".repeat(32);
const [one, two, three, stranger] = [1, 2, 3, 4].map((n) => ({
  encoder: n.toString(16).padStart(2, "0").repeat(32),
  key: Ed25519Key.fromSeed(new Uint8Array(32).fill(n)),
})) as [Signer, Signer, Signer, Signer];
interface Signer {
  readonly encoder: string;
  readonly key: Ed25519Key;
}
const roster = [one, two, three].map(({ encoder, key }) => ({ encoder, messageKey: key.publicKey }));

/** One seat for the first encoder, two for the second, none for the third. */
function shard(attempt: number): Shard {
  const seatsOf = new Map([
    [one.encoder, 1],
    [two.encoder, 2],
  ]);
  return { job: JOB, attempt, seats: [one.encoder, two.encoder, two.encoder], quorum: 2, seatsOf };
}

function receipt({ encoder, key }: Signer, attempt = 0, job = JOB): JobMessage {
  const body = { job, attempt, encoder, dataHash: HASH };
  const signature = key.sign(jobSigningBytes(CHAIN, "receipt", body));
  return { $kind: "Receipt", Receipt: { receipt: body, signature } } as JobMessage;
}

function commit({ encoder, key }: Signer, attempt = 0, job = JOB): JobMessage {
  const body = { job, attempt, encoder, commitHash: HASH, elapsedMs: 1 };
  const signature = key.sign(jobSigningBytes(CHAIN, "commit", body));
  return { $kind: "Commit", Commit: { commit: body, signature } } as JobMessage;
}

function optOut({ encoder, key }: Signer, attempt = 0, job = JOB): JobMessage {
  const body = { job, attempt, encoder, reason: { $kind: "Unavailable", Unavailable: true } as const };
  const signature = key.sign(jobSigningBytes(CHAIN, "optOut", body));
  return { $kind: "OptOut", OptOut: { optOut: body, signature } } as JobMessage;
}

function reveal({ encoder, key }: Signer, job = JOB): JobMessage {
  const body = { job, attempt: 0, encoder, embeddingDigest: HASH };
  const signature = key.sign(jobSigningBytes(CHAIN, "reveal", body));
  return { $kind: "Reveal", Reveal: { reveal: { reveal: body, signature }, vectors: HASH } } as JobMessage;
}

/** The same message under another encoder's name. */
function claimedBy(message: JobMessage, encoder: string): JobMessage {
  const { commit, signature } = message.Commit!;
  return { $kind: "Commit", Commit: { commit: { ...commit, encoder }, signature } } as JobMessage;
}

function answers(attempt = 0): EncoderAnswers {
  const fresh = new EncoderAnswers(CHAIN, JOB, roster);
  fresh.expect(shard(attempt));
  return fresh;
}

describe("answers of encoders", () => {
  test("count once each, and commits by their seats", () => {
    const heard = answers();
    expect([receipt(one), receipt(one), commit(two), commit(two)].map((m) => heard.take(m))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(heard).toMatchObject({ receipts: 1, seats: 2, decided: 1 });
    expect(heard.commits.map(({ commit }) => commit.encoder)).toEqual([two.encoder]);
    expect(heard.take(commit(one))).toBe(true);
    expect(heard.seats).toBe(3);
  });

  test("an opt-out is a decision without a seat", () => {
    const heard = answers();
    expect(heard.take(optOut(two))).toBe(true);
    expect(heard).toMatchObject({ seats: 0, decided: 1 });
    expect([heard.hasDecided(two.encoder), heard.hasAnswered(one.encoder)]).toEqual([true, false]);
  });

  test.each<[string, JobMessage]>([
    ["a commit of who holds no seat", commit(three)],
    ["a commit of who is not in the roster", commit(stranger)],
    ["a commit that another one signed", claimedBy(commit(one), two.encoder)],
    ["a commit of another attempt", commit(one, 1)],
    ["a receipt of another attempt", receipt(one, 1)],
    ["a receipt of who is not in the roster", receipt(stranger)],
    ["an opt-out of another attempt", optOut(one, 1)],
    ["a reveal of who is not in the roster", reveal(stranger)],
    ["a receipt of another job", receipt(one, 0, OTHER_JOB)],
    ["a commit of another job, replayed", commit(one, 0, OTHER_JOB)],
    ["an opt-out of another job", optOut(one, 0, OTHER_JOB)],
    ["a reveal of another job", reveal(one, OTHER_JOB)],
  ])("%s does not count", (_, message) => {
    const heard = answers();
    expect(heard.take(message)).toBe(false);
    expect(heard).toMatchObject({ receipts: 0, seats: 0, decided: 0 });
  });

  test("a replayed commit does not take the place of the genuine one", () => {
    const heard = answers();
    expect([heard.take(commit(one, 0, OTHER_JOB)), heard.take(commit(one))]).toEqual([false, true]);
    expect(heard.commits.map(({ commit }) => commit.job)).toEqual([JOB]);
  });

  test("a reveal counts if its encoder signed it", () => {
    expect(answers().take(reveal(one))).toBe(true);
  });

  test("another attempt begins with nothing; the same one keeps what it has", () => {
    const heard = answers();
    heard.take(receipt(one));
    heard.take(commit(two));
    heard.expect(shard(0));
    expect(heard).toMatchObject({ receipts: 1, seats: 2 });
    heard.expect(shard(1));
    expect(heard).toMatchObject({ receipts: 0, seats: 0, decided: 0 });
    expect([heard.take(commit(one, 0)), heard.take(commit(one, 1))]).toEqual([false, true]);
  });
});
