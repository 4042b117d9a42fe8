import { commitHash, embeddingDigest, type SignedCommit, type SignedReveal } from "@soma/protocol";
import { describe, expect, test } from "vitest";
import { Reveals } from "./reveals.ts";

const CHAIN = "test";
const JOB = "aa".repeat(32);
const ENCODER = "01".repeat(32);
const VECTORS = "cc".repeat(32);
const blob = Uint8Array.of(1, 2, 3);
const digest = embeddingDigest(CHAIN, blob);
const signed: SignedReveal = {
  reveal: { job: JOB, attempt: 0, encoder: ENCODER, embeddingDigest: digest },
  signature: new Uint8Array(64),
};

/** Reveals over a store of blobs that `answers` fills: what each question for the vectors gets. */
function reveals(answers: (Uint8Array | undefined)[], committed?: SignedCommit["commit"]) {
  let changes = 0;
  const opened = new Reveals({
    client: { getBlob: async () => answers.shift() },
    chainId: CHAIN,
    committed: () => committed,
    changed: () => {
      changes += 1;
    },
  });
  return { opened, changes: () => changes };
}

function committedTo(embedding: string): SignedCommit["commit"] {
  const hash = commitHash(CHAIN, ENCODER, JOB, embedding);
  return { job: JOB, attempt: 0, encoder: ENCODER, commitHash: hash, elapsedMs: 1 };
}

describe("reveals", () => {
  const never = new AbortController().signal;

  test("are kept with their vectors, which are asked for until some gateway has them", async () => {
    const { opened, changes } = reveals([undefined, blob], committedTo(digest));
    await opened.fetch(signed, VECTORS, never);
    expect(opened.known.get(ENCODER)).toEqual({ reveal: signed, blob });
    expect(changes()).toBe(1);
  });

  test("of other vectors than were committed are not even fetched", async () => {
    const left = [blob];
    const { opened } = reveals(left, committedTo("dd".repeat(32)));
    await opened.fetch(signed, VECTORS, never);
    expect([opened.known.size, left.length]).toEqual([0, 1]);
  });

  test("whose vectors have another digest are dropped", async () => {
    const { opened, changes } = reveals([Uint8Array.of(9)]);
    await opened.fetch(signed, VECTORS, never);
    expect([opened.known.size, changes()]).toEqual([0, 0]);
  });

  test("are fetched once, however often they come", async () => {
    const left = [blob, blob];
    const { opened } = reveals(left);
    await Promise.all([opened.fetch(signed, VECTORS, never), opened.fetch(signed, VECTORS, never)]);
    await opened.fetch(signed, VECTORS, never);
    expect([opened.known.size, left.length]).toEqual([1, 1]);
  });

  test("copied with addresses where nothing is do not keep the genuine one away", async () => {
    const opened = new Reveals({
      client: { getBlob: async (address) => (address === VECTORS ? blob : undefined) },
      chainId: CHAIN,
      committed: () => committedTo(digest),
      changed: () => {},
    });
    const stop = new AbortController();
    const addresses = Array.from({ length: 20 }, (_, n) => n.toString(16).padStart(64, "0"));
    const copies = addresses.map((address) => opened.fetch(signed, address, stop.signal));
    await opened.fetch(signed, VECTORS, stop.signal);
    expect(opened.known.get(ENCODER)?.blob).toEqual(blob);
    // Nobody asks for the others any more.
    await Promise.all(copies);
  });

  test("are given up when the session stops", async () => {
    const stop = new AbortController();
    const { opened } = reveals([]);
    const fetching = opened.fetch(signed, VECTORS, stop.signal);
    stop.abort();
    await fetching;
    expect(opened.known.size).toBe(0);
  });
});
