import { utf8 } from "@soma/base";
import { GetHead } from "@soma/contracts";
import {
  blockSigningBytes,
  embeddingDigest,
  encodeSignedHeader,
  jobSigningBytes,
  type SignedCommit,
  TOKEN,
  type TransactionKindInput,
} from "@soma/protocol";
import { ServiceHost } from "@soma/runtime";
import { service as state } from "@soma/state";
import { eventually, TestResources } from "@soma/testkit";
import { describe, expect, test } from "vitest";
import { JobDriver } from "../../sim/game/job-driver.ts";
import { type Actor, CHAIN_ID } from "../../sim/game/test-chain.ts";
import { operatorFiles } from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { counted } from "./counters.ts";
import { RecordedChain } from "./recorded-chain.ts";

// Games with real signatures are played on the pure ledger, where their outcome is checked step by step; then the
// state service executes the same commits, and what it counted is compared with what was sent.
const chain = new RecordedChain({ epochLength: 1_000_000n });
const send = (actor: Actor, kind: TransactionKindInput) => chain.send(actor, kind);

function drawn(payer: number): JobDriver {
  const driver = new JobDriver(chain, chain.people[payer]!);
  driver.pay();
  return driver;
}

function selected(
  payer: number,
  commits = (driver: JobDriver) => driver.holders().map((h) => driver.commitOf(h)),
) {
  const driver = drawn(payer);
  expect(send(driver.payer, driver.selection(commits(driver)))).toBe("");
  return driver;
}

/** Encoders slashed so far over their reveals. */
const slashed = () => chain.slashes.get("reveal") ?? 0;

/** Lets the job come to its end. */
function finish(driver: JobDriver): void {
  for (let i = 0; i < 400 && chain.ledger.job(driver.id) !== undefined; i++) chain.commit();
  expect(chain.ledger.job(driver.id)).toBeUndefined();
}

/** A commit with the hash of another's vectors, seen before it was opened. */
function copied(driver: JobDriver, thief: Actor, victim: Actor): SignedCommit {
  const seen = driver.commitOf(victim).commit.commitHash;
  const commit = { ...driver.commitOf(thief).commit, commitHash: seen };
  return { commit, signature: thief.key.sign(jobSigningBytes(CHAIN_ID, "commit", commit)) };
}

describe("bad input to a job, on the ledger", () => {
  test("a wrong data hash is refused, and the right one is taken", () => {
    const driver = drawn(0);
    const commits = driver.holders().map((holder) => driver.commitOf(holder));
    expect(send(driver.payer, driver.selection(commits, driver.session, "00".repeat(32)))).toBe(
      "JOB_DATA_HASH",
    );
    expect(send(driver.payer, driver.selection(commits))).toBe("");
    finish(driver);
  });

  test("two selections void the job", () => {
    const driver = selected(1);
    const commits = driver.holders().map((holder) => driver.commitOf(holder));
    expect(send(driver.payer, driver.selection(commits))).toBe("SELECTION_REPEATED");
    expect(send(driver.payer, driver.selection(commits.toReversed()))).toBe("");
    expect(chain.ledger.job(driver.id)).toBeUndefined();
  });

  /** Bundle and proof by these holders alone; the others have not signed. */
  function close(driver: JobDriver, holders: readonly Actor[]): void {
    expect(send(driver.payer, driver.bundle(holders.map((holder) => driver.revealOf(holder))))).toBe("");
    const present = holders.map(({ address }) => address);
    const signs = (i: number) => present.includes(driver.job.chosen[i]!.encoder);
    expect(send(driver.payer, driver.proof(driver.result(), signs))).toBe("");
  }

  test("a copied commit and a mismatched reveal cost their encoders and nobody else", () => {
    const driver = selected(2, (job) => {
      const [thief, victim] = job.holders() as [Actor, Actor];
      return job.holders().map((h) => (h === thief ? copied(job, thief, victim) : job.commitOf(h)));
    });
    const [thief, victim, liar, ...honest] = driver.holders() as [Actor, Actor, Actor, ...Actor[]];
    const before = slashed();
    // The victim's vectors in the thief's name: the commitment holds the name, so that they do not match it.
    const stolen = driver.revealOf(thief, driver.digestOf(victim));
    expect(send(driver.payer, { PostReveal: { reveal: stolen } })).toBe("");
    const lie = driver.revealOf(liar, embeddingDigest(CHAIN_ID, utf8("other vectors")));
    expect(send(driver.payer, { PostReveal: { reveal: lie } })).toBe("");
    expect(slashed()).toBe(before + 2);
    expect(send(driver.payer, { PostReveal: { reveal: lie } })).toBe("REVEAL_DUPLICATE");
    close(driver, [victim, ...honest]);
    finish(driver);
    expect(slashed()).toBe(before + 2);
  });

  test("a late reveal is refused, and whoever did not reveal in time is slashed", () => {
    const driver = selected(3);
    const [silent, ...honest] = driver.holders() as [Actor, ...Actor[]];
    const reveal = driver.revealOf(silent);
    const before = slashed();
    const { revealDeadline } = driver.job;
    expect(send(driver.payer, driver.bundle(honest.map((holder) => driver.revealOf(holder))))).toBe("");
    for (const holder of honest) expect(send(holder, driver.evaluation(holder))).toBe("");
    while (chain.ledger.head.commit < revealDeadline) chain.commit();
    expect(send(silent, { PostReveal: { reveal } })).toBe("REVEAL_LATE");
    finish(driver);
    expect(slashed()).toBe(before + 1);
  });

  test("a validator that signs two blocks of one slot is slashed, and its accuser must have proof", () => {
    const cheat = chain.validators[2]!;
    const author = chain.genesis.validators.findIndex(({ validator }) => validator === cheat.address);
    const evidence = (timestampMs: bigint, signer = cheat): Uint8Array => {
      const body = {
        epoch: 0n,
        round: 9,
        author,
        timestampMs,
        ancestors: [],
        transactions: [],
        commitVotes: [],
        vrfProof: new Uint8Array(0),
      };
      const signature = signer.key.sign(blockSigningBytes(CHAIN_ID, body));
      return encodeSignedHeader(CHAIN_ID, { body, signature });
    };
    const [first, second] = [evidence(1n), evidence(2n)];
    const accuser = chain.people[3]!;
    const accuse = (one: Uint8Array, other: Uint8Array) =>
      send(accuser, { SubmitEquivocation: { first: one, second: other } });
    expect(accuse(first, first)).toBe("EVIDENCE_SLOT");
    expect(accuse(first, evidence(2n, accuser))).toBe("EVIDENCE_SIGNATURE");
    expect(accuse(first, second.subarray(1))).toBe("EVIDENCE_MALFORMED");
    expect(accuse(first, second)).toBe("");
    expect(accuse(second, first)).toBe("EVIDENCE_KNOWN");
  });

  test("after all that an honest job is settled and paid", () => {
    const driver = drawn(4);
    driver.bundleEverybody();
    const winner = driver.result().winner!;
    const before = chain.ledger.balanceOf(winner);
    expect(send(driver.payer, driver.proof())).toBe("");
    expect(chain.ledger.balanceOf(winner) - before).toBeGreaterThan(TOKEN / 2n);
    finish(driver);
  });

  test("the state service executes the same commits and has counted every refusal, slash and outcome", async () => {
    const resources = new TestResources();
    try {
      const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
      const network = "bad_jobs";
      const source = await CommitSource.open(resources, {
        network,
        servers: nats.url,
        chain: chain.asCommits(),
      });
      const databaseUrl = await postgres.createDatabase(network);
      const platform = {
        operator: "v0",
        network,
        servers: nats.url,
        databaseUrl,
        logLevel: "error" as const,
        metrics: true,
      };
      const env = await operatorFiles(await resources.folder(), chain.genesis, 0);
      resources.use(await ServiceHost.open({ platform, services: [state], env }));
      const last = chain.ledger.head.commit;
      for (let index = 1n; index <= last; index++) await source.publish(index);
      await eventually(async () => (await source.ask(GetHead, {})).commit === last, { within: 60_000 });
    } finally {
      await resources.close();
    }
    const expected = {
      soma_state_transactions_total: ["outcome", chain.refusals],
      soma_state_slashes_total: ["cause", chain.slashes],
      soma_state_jobs_closed_total: ["outcome", chain.outcomes],
    } as const;
    for (const [metric, [label, counts]] of Object.entries(expected)) {
      expect(counts.size).toBeGreaterThan(1);
      for (const [value, count] of counts) {
        expect([metric, value, await counted(metric, { [label]: value })]).toEqual([metric, value, count]);
      }
    }
    const { refusals, slashes, outcomes } = chain;
    expect([...refusals.keys()]).toEqual(
      expect.arrayContaining(["JOB_DATA_HASH", "SELECTION_REPEATED", "REVEAL_LATE", "EVIDENCE_SIGNATURE"]),
    );
    expect([...slashes.keys()]).toEqual(expect.arrayContaining(["reveal", "equivocation"]));
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["Voided", "Settled"]));
  });
});
