import { toHex } from "@soma/base";
import { InferenceStream } from "@soma/contracts";
import { sha256 } from "@soma/crypto";
import { commitHash, embeddingDigest, type SignedCommit, type SignedReveal } from "@soma/protocol";
import { eventually, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestOperatorSite } from "./operator.ts";

const resources = new TestResources();
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await resources.postgres();
});
afterAll(() => resources.close());

/** Waits; when it was in vain, the operator's log says why. */
function seen(site: TestOperatorSite, look: () => boolean | Promise<boolean>): Promise<true> {
  return eventually(
    async () => {
      if (!(await look())) throw new Error(site.output);
      return true as const;
    },
    { within: 60_000, every: 50 },
  );
}

test("an encoder that is killed at every stage gives one commit, its very vectors, and its signature", async () => {
  const site = await TestOperatorSite.open(resources, await postgres.createDatabase("job"));
  const { scenario, encoder } = site;
  const from = <K extends Parameters<typeof scenario.received>[0]>(kind: K) =>
    scenario.received(kind).get(encoder) ?? [];
  /** Commits go by until something is seen. */
  const until = (look: () => boolean) =>
    eventually(
      () => {
        scenario.advance();
        if (!look()) throw new Error(site.output);
        return true;
      },
      { within: 90_000, every: 60 },
    );
  const offerUntil = (look: () => boolean) =>
    eventually(
      () => {
        scenario.offer(encoder, { data: site.data });
        if (!look()) throw new Error(site.output);
        return true;
      },
      { within: 90_000, every: 100 },
    );

  scenario.advance(2);
  site.start("scorer");
  let running = site.start("encoder");
  const restart = async () => {
    await running.kill();
    running = site.start("encoder");
  };
  await eventually(() => running.output.includes("reads the ledger from its beginning"), { within: 90_000 });

  scenario.pay();
  scenario.draw();
  scenario.offerAll();
  site.serveVectors();
  await offerUntil(() => from("Receipt").length > 0);
  await restart();
  await seen(site, () => from("Commit").length > 0);
  await restart();
  await offerUntil(() => from("Commit").length > 1);
  const commits = from("Commit") as SignedCommit[];
  for (const commit of commits) expect(commit).toEqual(commits[0]);

  expect(from("Reveal")).toEqual([]);
  scenario.select();
  scenario.advance();
  await restart();
  await seen(site, () => from("Reveal").length > 0);
  const [{ reveal, vectors }] = from("Reveal") as [{ reveal: SignedReveal; vectors: string }];
  const blob = site.gateway.blobs.get(vectors)!;
  expect(toHex(sha256(blob))).toBe(vectors);
  const digest = embeddingDigest(scenario.chainId, blob);
  expect(reveal.reveal.embeddingDigest).toBe(digest);
  expect(commitHash(scenario.chainId, encoder, scenario.jobId, digest)).toBe(commits[0]!.commit.commitHash);

  scenario.bundle();
  scenario.advance();
  await restart();
  await until(() => from("Evaluation").length > 0);
  await until(() => scenario.job?.phase === "closed");
  expect(scenario.job).toMatchObject({ outcome: "Settled" });
  // Whether in the proof or posted, its answer counts.
  await until(() => scenario.isForgotten);
  expect(scenario.slashes).toEqual([]);
  expect(running.output).not.toContain("what must not happen");
}, 400_000);

test("an encoder that first runs when a young ledger has its job already takes part in it", async () => {
  const site = await TestOperatorSite.open(resources, await postgres.createDatabase("late"));
  const { scenario, encoder } = site;
  scenario.advance(2);
  scenario.pay();
  scenario.draw();
  scenario.advance(20);
  site.start("encoder");
  await eventually(
    () => {
      scenario.offer(encoder, { data: site.data });
      if (!scenario.received("Commit").has(encoder)) throw new Error(site.output);
      return true;
    },
    { within: 90_000, every: 100 },
  );
}, 200_000);

test("an encoder without a job looks at the ledger once a second, and an offer wakes it", async () => {
  const site = await TestOperatorSite.open(resources, await postgres.createDatabase("rest"));
  const { scenario, encoder, gateway } = site;
  const running = site.start("encoder");
  scenario.advance(2);
  await eventually(() => running.output.includes("reads the ledger from its beginning"), { within: 90_000 });
  const looks = gateway.looks;
  for (let checkpoint = 0; checkpoint < 20; checkpoint++) {
    scenario.advance();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // Four seconds and the two at their ends.
  expect(gateway.looks - looks).toBeLessThanOrEqual(6);
  scenario.pay();
  scenario.draw();
  scenario.offer(encoder, { data: site.data });
  // Told once: it is kept until the ledger, which it has the encoder look at, says what it is about.
  await seen(site, () => scenario.received("Receipt").has(encoder));
  const busy = gateway.looks;
  for (let checkpoint = 0; checkpoint < 10; checkpoint++) {
    scenario.advance();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(gateway.looks - busy).toBeGreaterThanOrEqual(9);
}, 200_000);

test("a request whose worker is killed is taken by another", async () => {
  const site = await TestOperatorSite.open(resources, await postgres.createDatabase("worker"));
  const { scenario, encoder } = site;
  // Nobody infers yet: the request waits in the queue.
  const actor = site.start("encoder", { SOMA_ENCODER_ROLE: "actor" });
  scenario.advance(2);
  await eventually(() => actor.output.includes("reads the ledger from its beginning"), { within: 90_000 });
  scenario.pay();
  scenario.draw();
  await eventually(
    () => {
      scenario.offer(encoder, { data: site.data });
      return scenario.received("Receipt").has(encoder);
    },
    { within: 90_000, every: 100 },
  );
  await eventually(async () => (await site.bus.streamState(InferenceStream)).messages === 1);
  // The first worker has a disk of its own, so it asks the gateway for the items, and dies over the answer.
  site.gateway.held.add(site.data);
  const asked = site.gateway.asked.length;
  const dying = site.start("encoder", {
    SOMA_ENCODER_ROLE: "worker",
    SOMA_DATA: await resources.folder(),
    SOMA_ENCODER_FETCH_TIMEOUT: "60s",
  });
  await eventually(() => site.gateway.asked.slice(asked).includes(`GET ${site.data}`), { within: 90_000 });
  await dying.kill();
  expect(scenario.received("Commit").has(encoder)).toBe(false);
  site.start("encoder", { SOMA_ENCODER_ROLE: "worker" });
  await eventually(() => scenario.received("Commit").has(encoder), { within: 90_000 });
  expect(site.scenario.received("Commit").get(encoder)).toHaveLength(1);
}, 200_000);
