import { join } from "node:path";
import { decodeSignedBlock } from "@soma/protocol";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { genesisOf, validatorKeys } from "../state/chain.ts";
import { type ConsensusProcess, connect, ValidatorOperator } from "./validators.ts";

// DESIGN section 2: one active consensus a validator, a warm standby, a lease with terms.

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const LEASE = { SOMA_CONSENSUS_LEASE_DURATION: "1s" };
const WITHIN = { within: 60_000, every: 100 };

test("a standby takes over with the signer log and without it; whoever wakes up later signs nothing", async () => {
  const keys = validatorKeys(4).map((key, index) => ({ index, address: key.account.address }));
  const genesis = genesisOf(validatorKeys(4), { epochLength: 86_400_000n });
  const operators: ValidatorOperator[] = [];
  for (const { index, address } of keys) {
    operators.push(
      await ValidatorOperator.open({ resources, nats, postgres, genesis, name: "standby", index, address }),
    );
  }
  const [own, ...others] = operators as [ValidatorOperator, ...ValidatorOperator[]];
  // Every block that the validator with the standby ever showed, by epoch and round.
  const shown = new Map<string, Set<string>>();
  let count = 0;
  await connect(operators, (from, type, body) => {
    if (from !== 0 || type !== "block") return;
    const block = decodeSignedBlock(body);
    if (!block.ok) throw new Error(block.code);
    const { epoch, round } = block.value.body;
    const slot = `${epoch}/${round}`;
    if (!shown.has(slot)) count += 1;
    shown.set(slot, (shown.get(slot) ?? new Set()).add(Buffer.from(block.value.signature).toString("hex")));
  });
  const showsMore = async () => {
    const from = count;
    await eventually(() => count >= from + 10, WITHIN);
  };
  const isActive = (instance: ConsensusProcess) =>
    eventually(() => instance.told.includes('"active"') || instance.told.includes(" active"), WITHIN);

  const first = own.startConsensus({ ...LEASE, SOMA_CONSENSUS_INSTANCE: "first" });
  const hosts = await Promise.all([
    own.start({ withConsensus: false }),
    ...others.map((operator) => operator.start({ withConsensus: true })),
  ]);
  await isActive(first);
  const second = own.startConsensus({ ...LEASE, SOMA_CONSENSUS_INSTANCE: "second" });
  await eventually(() => second.told.includes("standing by"), WITHIN);
  await showsMore();
  expect(second.told).not.toContain("signerLog");

  // Frozen in the middle of whatever it was doing: time runs out for it, and the log is there.
  first.freeze();
  await eventually(() => second.told.includes('"signerLog":"intact"'), WITHIN);
  await showsMore();
  first.wake();
  expect(await first.ended()).toBe(1);
  expect(first.told).toContain("took over after term 1");
  await showsMore();

  // Killed at once, and the standby is on a machine without the log: it asks a quorum for its last round (CONS-8).
  const folder = await resources.folder();
  const third = own.startConsensus({
    ...LEASE,
    SOMA_CONSENSUS_INSTANCE: "third",
    SOMA_DATA: join(folder, "elsewhere"),
  });
  await eventually(() => third.told.includes("standing by"), WITHIN);
  await second.kill();
  await eventually(() => third.told.includes('"signerLog":"lost"'), WITHIN);
  await showsMore();

  // Back where there is a log, but not that of the last one who signed.
  const fourth = own.startConsensus({ ...LEASE, SOMA_CONSENSUS_INSTANCE: "fourth" });
  await eventually(() => fourth.told.includes("standing by"), WITHIN);
  await third.kill();
  await eventually(() => fourth.told.includes('"signerLog":"lost"'), WITHIN);
  await showsMore();

  // One block a round, whoever made it; and nobody could prove otherwise.
  const twice = [...shown].filter(([, signatures]) => signatures.size > 1);
  expect(twice).toEqual([]);
  const commit = (await others[0]!.status())!.lastCommit;
  await eventually(async () => BigInt((await own.status())?.lastCommit ?? 0) >= BigInt(commit), WITHIN);
  await fourth.kill();
  await Promise.all(hosts.map((host) => host.close()));
}, 400_000);
