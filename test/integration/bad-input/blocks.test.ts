import { CONSENSUS_BOUNDS, genesisRefs } from "@soma/consensus/core";
import { PeerMessageReceived } from "@soma/contracts";
import {
  BLOCK_LIMITS,
  type BlockBody,
  type BlockRef,
  blockDigest,
  blockSigningBytes,
  decodeSignedBlock,
  type EpochInfo,
  encodeSignedBlock,
  genesisEpoch,
} from "@soma/protocol";
import { eventually, freePort, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, ValidatorOperator } from "../consensus/validators.ts";
import { CHAIN_ID, genesisOf, seedOf, validatorKeys } from "../state/chain.ts";
import { countedIn } from "./counters.ts";

// Four validators: one with consensus as a process of its own, which is scraped; two more that are honest; and one
// whose keys are in the hands of somebody who does not run our code.
const resources = new TestResources();
const keys = validatorKeys(4);
const faulty = keys[3]!;
// Begun now, so that the epoch does not end within the test.
const genesis = {
  ...genesisOf(keys, { epochLength: 86_400_000n }),
  timestampMs: BigInt(Date.now()),
};
let own: ValidatorOperator;
let epoch: EpochInfo;
let metricsPort: number;
/** The newest block of each honest validator, as it left. */
const newest = new Map<number, BlockRef>();

beforeAll(async () => {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const first = genesisEpoch(genesis);
  if (!first.ok) throw new Error(first.code);
  epoch = first.value;
  const operators: ValidatorOperator[] = [];
  for (const [index, key] of keys.slice(0, 3).entries()) {
    const { address } = key.account;
    operators.push(
      await ValidatorOperator.open({
        resources,
        nats,
        postgres,
        genesis,
        name: "bad_blocks",
        index,
        address,
      }),
    );
  }
  own = operators[0]!;
  await connect(operators, (_, type, body) => {
    if (type !== "block") return;
    const block = decodeSignedBlock(body);
    if (!block.ok) throw new Error(block.code);
    const { round, author } = block.value.body;
    newest.set(author, { round, author, digest: blockDigest(CHAIN_ID, body) });
  });
  metricsPort = await freePort();
  own.startConsensus({ SOMA_METRICS_PORT: String(metricsPort) });
  await Promise.all(operators.map((operator, i) => operator.start({ withConsensus: i > 0 })));
  await expectCommits();
}, 180_000);
afterAll(() => resources.close());

async function metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return countedIn(page, name, labels);
}
const received = (outcome: string) => metric("soma_consensus_blocks_received_total", { outcome });
const refused = (code: string) => metric("soma_consensus_inputs_refused_total", { code });

/** Waits until a counter of refusals has risen by so much; what was counted, when it was in vain. */
async function expectRefused(count: number, read: () => Promise<number>, before: number): Promise<void> {
  await eventually(
    async () => {
      if ((await read()) >= before + count) return true;
      const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const lines = page
        .split("\n")
        .filter((line) => /^soma_consensus_(blocks_received|inputs_refused)/.test(line));
      throw new Error(`${await read()} of ${before + count}\n${lines.join("\n")}`);
    },
    { within: 30_000 },
  );
}

/** It goes on committing. */
async function expectCommits(): Promise<void> {
  const commitOf = async () => BigInt((await own.status())?.lastCommit ?? 0);
  const before = await commitOf();
  await eventually(async () => (await commitOf()) >= before + 3n, { within: 60_000 });
}

const send = (body: Uint8Array) =>
  own.bus.publish(PeerMessageReceived, { type: "block" }, { sender: faulty.account.address, body });

const me = () => epoch.committee.findIndex(({ validator }) => validator === faulty.account.address);

/** A block of the faulty validator that passes every check, unless it is changed. */
function block(change: Partial<BlockBody> = {}): Uint8Array {
  const author = me();
  const round = Math.min(...[...newest.values()].map((ref) => ref.round));
  const body: BlockBody = {
    epoch: 0n,
    round: round + 1,
    author,
    timestampMs: BigInt(Date.now()),
    ancestors: [genesisRefs(CHAIN_ID, { info: epoch })[author]!, ...parents(round)],
    transactions: [],
    commitVotes: [],
    vrfProof: new Uint8Array(0),
    ...change,
  };
  const signature = faulty.block.sign(blockSigningBytes(CHAIN_ID, body));
  return encodeSignedBlock({ body, signature });
}

/** The honest validators' blocks of a round, which must be the newest of all three. */
function parents(round: number): BlockRef[] {
  const refs = [...newest.values()];
  return refs.every((ref) => ref.round === round) ? refs : strangers(round).slice(1);
}

/** Blocks of a round that nobody has, of a quorum, the faulty validator's own first. */
function strangers(round: number): BlockRef[] {
  const others = epoch.committee.map((_, author) => author).filter((author) => author !== me());
  return [me(), ...others].map((author) => ({ round, author, digest: seedOf(`${round} of ${author}`) }));
}

test.each<[string, () => Uint8Array, string]>([
  ["is malformed", () => new Uint8Array(300).fill(0xff), "CODEC_MALFORMED"],
  ["is larger than any block", () => new Uint8Array(BLOCK_LIMITS.bytes + 1), "CODEC_TOO_LARGE"],
  [
    "carries a transaction beyond its bound",
    () => block({ transactions: [new Uint8Array(BLOCK_LIMITS.transactionBytes + 1)] }),
    "CONSENSUS_BLOCK_TransactionTooLarge",
  ],
  [
    "is wrongly signed",
    () => {
      const bytes = block();
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    },
    "CONSENSUS_BLOCK_InvalidSignature",
  ],
  ["is in another's name", () => block({ author: (me() + 1) % 4 }), "CONSENSUS_BLOCK_InvalidSignature"],
  ["is of another epoch", () => block({ epoch: 7n }), "CONSENSUS_BLOCK_WrongEpoch"],
  [
    "has too few parents",
    () => block({ ancestors: strangers(1).slice(0, 1) }),
    "CONSENSUS_BLOCK_InsufficientParents",
  ],
])("a block that %s is refused with its code, counted, and nothing stops", async (_, bytes, code) => {
  const before = await received(code);
  for (let i = 0; i < 5; i++) await send(bytes());
  await expectRefused(5, () => received(code), before);
  await expectCommits();
});

test("rounds without end ahead are refused and counted, and nothing stops", async () => {
  const before = await refused("CONSENSUS_BLOCK_FUTURE");
  const far =
    Math.max(...[...newest.values()].map(({ round }) => round)) + CONSENSUS_BOUNDS.futureRounds + 10_000;
  for (let i = 0; i < 500; i++) {
    await send(block({ round: far + i, ancestors: strangers(far + i - 1) }));
  }
  await expectRefused(500, () => refused("CONSENSUS_BLOCK_FUTURE"), before);
  await expectCommits();
});

test("two blocks of one slot are caught and counted, and nothing stops", async () => {
  expect(await metric("soma_consensus_equivocations_total")).toBe(0);
  await eventually(
    async () => {
      // Anew at each attempt: the three must stand at one round, so that their blocks are its parents.
      const round = Math.min(...[...newest.values()].map((ref) => ref.round));
      const ancestors = [genesisRefs(CHAIN_ID, { info: epoch })[me()]!, ...parents(round)];
      for (const timestampMs of [1n, 2n]) {
        await send(block({ round: round + 1, ancestors, timestampMs: BigInt(Date.now()) + timestampMs }));
      }
      return (await metric("soma_consensus_equivocations_total")) === 1;
    },
    { within: 60_000 },
  );
  await expectCommits();
});

test("unknown ancestors without end have their share and no more, and nothing stops", async () => {
  const before = await refused("CONSENSUS_BLOCK_CROWDED");
  const high = Math.max(...[...newest.values()].map(({ round }) => round)) + 5_000;
  const share = CONSENSUS_BOUNDS.suspendedPerAuthor;
  for (let i = 0; i < 2 * share; i++)
    await send(block({ round: high + i, ancestors: strangers(high + i - 1) }));
  await expectRefused(share - 16, () => refused("CONSENSUS_BLOCK_CROWDED"), before);
  expect(await metric("soma_consensus_held", { kind: "suspended" })).toBeLessThanOrEqual(share + 16);
  await expectCommits();
});
