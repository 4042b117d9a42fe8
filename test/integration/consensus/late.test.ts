import { CheckpointCertified } from "@soma/contracts";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { genesisOf, validatorKeys } from "../state/chain.ts";
import { connect, ValidatorOperator } from "./validators.ts";

// CONS-9: only its own state can tell a consensus of another epoch how far the network is.

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

const WITHIN = { within: 60_000, every: 100 };

test("a consensus that starts after its state heard of the others' epoch follows them into it", async () => {
  const keys = validatorKeys(4);
  const genesis = genesisOf(keys, { epochLength: 86_400_000n });
  const operators: ValidatorOperator[] = [];
  for (const [index, { account }] of keys.entries()) {
    const { address } = account;
    operators.push(
      await ValidatorOperator.open({ resources, nats, postgres, genesis, name: "late", index, address }),
    );
  }
  const [own, ...others] = operators as [ValidatorOperator, ...ValidatorOperator[]];
  await connect(operators);
  const heard: bigint[] = [];
  await own.bus.subscribe(CheckpointCertified, {}, ({ checkpoint }) => void heard.push(checkpoint.sequence));
  const hosts = await Promise.all([
    own.start({ withConsensus: false }),
    ...others.map((operator) => operator.start({ withConsensus: true })),
  ]);
  await eventually(async () => (await others[0]!.status())?.epoch === "1", WITHIN);
  await eventually(() => heard.length > 0, WITHIN);

  const late = own.startConsensus({});
  await eventually(async () => (await own.status())?.epoch === "1", WITHIN);
  const { lastCommit } = (await others[0]!.status())!;
  await eventually(
    async () => expect(BigInt((await own.status())!.lastCommit)).toBeGreaterThan(BigInt(lastCommit)),
    WITHIN,
  );
  await late.kill();
  await Promise.all(hosts.map((host) => host.close()));
}, 200_000);
