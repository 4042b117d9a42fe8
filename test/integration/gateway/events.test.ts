import { connect } from "node:net";
import { sleep } from "@soma/runtime";
import { eventually } from "@soma/testkit";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { people, signed, transfer } from "../state/chain.ts";
import { GatewayOperator, gatewayGenesis, Servers, TestJob, VALIDATOR } from "./operator.ts";

const servers = new Servers();
beforeAll(() => servers.open());
afterAll(() => servers.close());

const TYPES = ["commit", "transaction", "job", "checkpoint", "epoch", "place", "pruned", "closed"] as const;
interface Heard {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: events are compared with what is expected of them
  readonly data: any;
}

/** A browser's client of the stream, which reconnects by itself. */
function listen(url: string): { heard: Heard[]; of: (type: string) => Heard[]; source: EventSource } {
  const source = new EventSource(url);
  servers.resources.defer(() => source.close());
  const heard: Heard[] = [];
  for (const type of TYPES) {
    source.addEventListener(type, ({ lastEventId, data }) =>
      heard.push({ type, id: lastEventId, data: JSON.parse(data) }),
    );
  }
  return { heard, source, of: (type) => heard.filter((event) => event.type === type) };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a stream of events", () => {
  test("loses nothing and repeats nothing over a restart of the gateway", async () => {
    const operator = await GatewayOperator.open(servers, "restart", {
      genesis: gatewayGenesis({ epochLength: 5_000n }),
      env: { SOMA_GATEWAY_EVENTS_KEPT: "16" },
    });
    const { source: consensus } = operator;
    const { heard, of } = listen(`${operator.url}/v1/events`);
    await eventually(() => of("place").length > 0);
    let sent = 0n;
    const decide = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const transfers =
          i % 2 === 0 ? [] : [sent++, sent++].map((n) => signed(people[0]!, n, transfer(VALIDATOR, 1n)));
        await consensus.decide(transfers.map(({ bytes }) => bytes));
      }
    };
    await decide(20);
    await eventually(() => of("commit").length >= 5);
    // In the midst of it, and while it is away the ledger goes on.
    const stopping = operator.stop();
    await decide(30);
    await stopping;
    await decide(10);
    await consensus.decide([], 6_000n);
    await eventually(() => of("closed").length === 1);
    await operator.start();
    await operator.reaches(61n);
    consensus.chain.epoch = 1n;
    await decide(8);
    const last = consensus.chain.commits.length;
    await eventually(() => Number(of("commit").at(-1)?.data.commit) === last, { within: 60_000 });
    await eventually(() => of("epoch").length > 0, { within: 20_000 });

    expect(of("commit").map(({ data }) => Number(data.commit))).toEqual(numbers(1, last));
    expect(of("commit").map(({ data }) => data.digest)).toEqual(
      consensus.chain.commits.map(({ digest }) => digest),
    );
    expect(of("transaction")).toHaveLength(Number(sent));
    const places = of("transaction").map(({ data }) => [Number(data.commit), data.position]);
    expect(places).toEqual([...places].sort(([a, b], [c, d]) => a! - c! || b! - d!));
    expect(new Set(of("transaction").map(({ data }) => data.digest)).size).toBe(Number(sent));
    const checkpoints = of("checkpoint").map(({ data }) => Number(data.sequence));
    expect(checkpoints).toEqual(numbers(1, checkpoints.at(-1)!));
    expect(of("epoch").map(({ data }) => data)).toMatchObject([{ epoch: "1", lastCommit: "61" }]);
    expect(of("closed")[0]!.data).toMatchObject({ code: "GATEWAY_CLOSING" });
    // A commit comes after its transactions.
    for (const [i, { type, data }] of heard.entries()) {
      if (type !== "transaction") continue;
      const commit = heard.findIndex((event) => event.type === "commit" && event.data.commit === data.commit);
      expect(commit).toBeGreaterThan(i);
    }
  });

  test("goes on after any event, in the midst of a commit too, whatever was filtered before", async () => {
    const operator = await GatewayOperator.open(servers, "resume", {
      genesis: gatewayGenesis({ selectTimeout: 10, shardAttempts: 1 }),
    });
    const job = new TestJob("events", 0n);
    const other = new TestJob("other", 1n);
    await operator.source.decide([
      job.payment.bytes,
      signed(people[1]!, 0n, transfer(VALIDATOR, 1n)).bytes,
      other.payment.bytes,
    ]);
    for (let i = 0; i < 20; i++) await operator.source.decide();
    await operator.reaches(21n);
    const all = listen(`${operator.url}/v1/events?after=0.0-0.0`);
    await eventually(() => all.of("commit").length === 21 && all.of("checkpoint").length >= 5);
    all.source.close();
    const first = all.heard.filter(({ type, data }) => type !== "checkpoint" && data.commit === "1");
    expect(first.map(({ type }) => type)).toEqual([
      "transaction",
      "transaction",
      "transaction",
      "job",
      "job",
      "commit",
    ]);

    // After each of its events a stream tells exactly the rest.
    const rest = all.heard.filter(({ type }) => type !== "checkpoint" && type !== "place");
    for (const [i, { id }] of rest.slice(0, 7).entries()) {
      const again = listen(`${operator.url}/v1/events?topics=commits,transactions,jobs&after=${id}`);
      await eventually(() => again.of("commit").at(-1)?.data.commit === "21");
      again.source.close();
      const told = again.heard.filter(({ type }) => type !== "place");
      expect(told.map(({ data }) => data)).toEqual(rest.slice(i + 1).map(({ data }) => data));
    }

    const stages = listen(`${operator.url}/v1/events?job=${job.id}&after=0.0-0.0`);
    await eventually(() => stages.of("job").at(-1)?.data.state === "closed");
    expect(stages.of("job").map(({ data }) => [data.state, data.attempt])).toEqual([
      ["paid", 0],
      ["drawn", 0],
      ["closed", expect.any(Number)],
    ]);
    expect(stages.of("job").every(({ data }) => data.job === job.id)).toBe(true);
    expect(stages.of("commit")).toEqual([]);

    const account = listen(`${operator.url}/v1/events?account=${people[1]!.address}&after=0.0-0.0`);
    await eventually(() => account.of("transaction").length === 1);
    await operator.source.decide([signed(people[1]!, 1n, transfer(VALIDATOR, 1n)).bytes]);
    await eventually(() => account.of("transaction").length === 2);
    expect(account.of("job")).toEqual([]);
    expect(account.of("transaction").map(({ data }) => data.sender)).toEqual([
      people[1]!.address,
      people[1]!.address,
    ]);
  });

  test("says where it goes on when the history before is gone", async () => {
    const operator = await GatewayOperator.open(servers, "pruned");
    for (let i = 0; i < 40; i++) await operator.source.decide();
    await operator.reaches(40n);
    await operator.restartState({ SOMA_STATE_RETAIN_COMMITS: "16" });
    await eventually(async () => (await operator.json("/v1/commits?limit=100")).commits.length === 17);
    const late = listen(`${operator.url}/v1/events?topics=commits&after=3.0-0.0`);
    await eventually(() => late.of("commit").at(-1)?.data.commit === "40");
    expect(late.of("pruned").map(({ data }) => data)).toEqual([
      { code: "GATEWAY_PRUNED", firstCommit: "24", resumeAt: "23.0-0.0" },
    ]);
    expect(late.of("commit").map(({ data }) => Number(data.commit))).toEqual(numbers(24, 40));
    const gone = await operator.get("/v1/commits/3/transactions");
    expect(gone.status).toBe(410);
    expect(await gone.json()).toMatchObject({ code: "GATEWAY_PRUNED" });
  });

  test("is refused to those who have too many, and to everybody when all are taken", async () => {
    const operator = await GatewayOperator.open(servers, "limits", {
      env: { SOMA_GATEWAY_QUOTA_EVENTS: "2" },
    });
    const refusal = async () => {
      const response = await operator.get("/v1/events", { headers: { accept: "text/event-stream" } });
      const retryAfter = response.headers.get("retry-after");
      return { status: response.status, retryAfter, ...((await response.json()) as { code: string }) };
    };
    const open = [listen(`${operator.url}/v1/events`), listen(`${operator.url}/v1/events`)];
    await eventually(() => open.every(({ of }) => of("place").length > 0));
    expect(await refusal()).toMatchObject({ status: 429, code: "GATEWAY_QUOTA_EVENTS", retryAfter: "10" });
    for (const { source } of open) source.close();
    await operator.stop();
    await operator.start({ SOMA_GATEWAY_EVENT_STREAMS: "1" });
    const only = listen(`${operator.url}/v1/events`);
    await eventually(() => only.of("place").length > 0);
    expect(await refusal()).toMatchObject({ status: 429, code: "GATEWAY_EVENTS_FULL", retryAfter: "10" });
    const malformed = await operator.get("/v1/events", { headers: { "last-event-id": "yesterday" } });
    expect(malformed.status).toBe(400);
    expect(await malformed.json()).toMatchObject({ code: "GATEWAY_MALFORMED" });
    expect((await operator.get("/v1/events?topics=weather")).status).toBe(400);
  });

  test("is kept alive by comments, and places tell how far it is", async () => {
    const operator = await GatewayOperator.open(servers, "alive", {
      env: { SOMA_GATEWAY_EVENT_HEARTBEAT: "100ms" },
    });
    const response = await operator.get("/v1/events?topics=epochs");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    let text = "";
    const reader = response.body!.getReader();
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) text += Buffer.from((await reader.read()).value!).toString("utf8");
    };
    await until(/: alive\n\n/);
    await operator.source.decide();
    await until(/id: 1\.0-[01]\.0\nevent: place\ndata: \{\}\n\n/);
    await reader.cancel();
  });

  test("is cut off when nobody reads it, and says why", async () => {
    const patience = 2_000;
    const operator = await GatewayOperator.open(servers, "slow", {
      env: { SOMA_GATEWAY_EVENT_PATIENCE: `${patience}ms` },
    });
    // More than what the sockets' own buffers hold.
    const each = 1_000;
    for (let round = 0; round < 5; round++) {
      const transfers = people.flatMap((person) =>
        Array.from(
          { length: each },
          (_, i) => signed(person, BigInt(round * each + i), transfer(VALIDATOR, 1n)).bytes,
        ),
      );
      await operator.source.decide(transfers);
    }
    await operator.reaches(5n);
    const socket = connect(Number(new URL(operator.url).port), "127.0.0.1");
    servers.resources.defer(() => void socket.destroy());
    socket.pause();
    socket.write("GET /v1/events?after=0.0-0.0 HTTP/1.1\r\nhost: gateway\r\n\r\n");
    // Long enough to be cut off, and not too late to be told.
    await sleep(2.5 * patience);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (part) => {
      text = (text + part).slice(-2_000);
    });
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    await ended;
    expect(text).toMatch(/event: closed\ndata: \{"code":"GATEWAY_EVENTS_SLOW"/);
    const resumeAt = /"resumeAt":"([0-9.-]+)"/.exec(text)![1];
    const rest = listen(`${operator.url}/v1/events?topics=commits&after=${resumeAt}`);
    await eventually(() => rest.of("commit").at(-1)?.data.commit === "5");
  });
});
