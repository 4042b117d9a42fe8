import {
  CheckpointCertified,
  GetAccount,
  GetHead,
  type RequestMessage,
  STANDING,
  StateStatus,
} from "@soma/contracts";
import { eventually, TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";
import {
  CommitChain,
  genesisOf,
  operatorFiles,
  people,
  signed,
  transfer,
  validatorKeys,
} from "../state/chain.ts";
import { CommitSource } from "../state/operator.ts";
import { ReplicaProcess } from "./replica-process.ts";

const resources = new TestResources();
afterAll(() => resources.close());

const network = "state-replicas";
const sender = people[0]!;

/** An answer with where it says that it stands. */
interface Answered<R> {
  readonly value: R;
  readonly checkpoint: bigint;
  readonly commit: bigint;
}

async function open() {
  const [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
  const { SOMA_KEY_FILE, ...files } = await operatorFiles(
    await resources.folder(),
    genesisOf(validatorKeys(1)),
    0,
  );
  const env = {
    ...files,
    SOMA_NETWORK: network,
    SOMA_OPERATOR: "v0",
    SOMA_NATS_URL: nats.url,
    SOMA_DATABASE_URL: await postgres.createDatabase("state_replicas"),
  };
  const source = await CommitSource.open(resources, {
    network,
    servers: nats.url,
    chain: new CommitChain(),
  });
  /** Refused with a code, or answered, by whoever takes the question. */
  const ask = async <P, R>(message: RequestMessage<P, R, never>, question: P, atLeast?: bigint) => {
    const stood = new Map<string, bigint>();
    const answer = await source.bus.request(message, {}, question, {
      timeoutMs: 2_000,
      failFast: true,
      headers: atLeast === undefined ? {} : { [STANDING.atLeast]: String(atLeast) },
      onHeaders: (header) => {
        for (const name of [STANDING.checkpoint, STANDING.commit])
          stood.set(name, BigInt(header(name) ?? -1));
      },
    });
    if (!answer.ok) return answer.code;
    return {
      value: answer.value,
      checkpoint: stood.get(STANDING.checkpoint)!,
      commit: stood.get(STANDING.commit)!,
    } satisfies Answered<R>;
  };
  return {
    source,
    ask,
    writer: () =>
      ReplicaProcess.start(resources, "state", {
        ...env,
        SOMA_KEY_FILE: SOMA_KEY_FILE!,
        SOMA_STATE_ROLE: "writer",
      }),
    replica: () => ReplicaProcess.start(resources, "state", { ...env, SOMA_STATE_ROLE: "replica" }),
  };
}

test("replicas answer at the checkpoint that is asked for, share, come and go, and outlive the writer", async () => {
  const { source, ask, writer, replica } = await open();
  let certified = 0n;
  await source.bus.subscribe(CheckpointCertified, {}, ({ checkpoint }) => {
    certified = checkpoint.sequence;
  });
  const [writing, first, second] = await Promise.all([writer(), replica(), replica()]);

  // One transfer in each commit, so that an account's sequence number says at which commit it was read.
  let sent = 0n;
  const decide = () => source.decide([signed(sender, sent++, transfer(people[1]!.address, 1n)).bytes]);
  let deciding = true;
  const decisions = (async () => {
    while (deciding) {
      await decide();
      await eventually(async () => (await ask(GetHead, {})) !== "REQUEST_NO_RESPONDER");
    }
  })();
  await eventually(() => certified >= 2n, { within: 30_000 });

  const handled = (one: ReplicaProcess) => one.handled(GetAccount.name);
  let answered = 0;
  /** `count` questions, eight at a time, each for what is known to be certified; repeated if its replica died over it. */
  const load = async (count: number) => {
    let left = count;
    const asking = async () => {
      let seen = 0n;
      while (left-- > 0) {
        const atLeast = certified;
        const answer = await eventually(
          async () => {
            const one = await ask(GetAccount, { address: sender.address }, atLeast);
            if (typeof one === "string") {
              expect(one).toMatch(/^REQUEST_(TIMEOUT|NO_RESPONDER)$/);
              throw new Error(one);
            }
            return one;
          },
          { within: 60_000 },
        );
        expect(answer.checkpoint).toBeGreaterThanOrEqual(atLeast);
        expect(answer.value).toMatchObject({ commit: answer.commit, sequence: answer.commit });
        expect(answer.commit).toBeGreaterThanOrEqual(seen);
        seen = answer.commit;
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, asking));
  };

  await load(160);
  expect(Math.min(await handled(first), await handled(second))).toBeGreaterThan(20);
  expect(await handled(writing)).toBe(0);

  const before = answered;
  const loading = load(240);
  await eventually(() => answered > before + 40);
  await first.kill();
  await loading;

  const third = await replica();
  await load(160);
  expect(Math.min(await handled(second), await handled(third))).toBeGreaterThan(20);
  expect(answered).toBe(560);

  deciding = false;
  await decisions;
  await eventually(async () => {
    const head = await ask(GetHead, {});
    return typeof head !== "string" && head.commit === sent;
  });
  const told = certified;
  await writing.kill();
  const head = await ask(GetHead, {}, told);
  if (typeof head === "string") throw new Error(head);
  expect(head).toMatchObject({ value: { commit: sent, checkpoint: head.checkpoint }, commit: sent });
  const beyond = head.checkpoint + 1n;
  expect(await ask(GetHead, {}, beyond)).toBe("STATE_BEHIND");
  expect(await ask(StateStatus, {})).toBe("REQUEST_NO_RESPONDER");

  const again = await writer();
  for (let i = 0; i < 4; i++) await decide();
  await eventually(() => certified >= beyond, { within: 30_000 });
  expect(typeof (await ask(GetHead, {}, beyond))).toBe("object");
  await Promise.all([again, second, third].map((one) => one.kill("SIGTERM")));
});
