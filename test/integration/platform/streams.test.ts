import { accept, defer, reject } from "@soma/actor";
import { DeadLetter, DeadLetterStream } from "@soma/contracts";
import { Bus, type MessageContext, on } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DishWanted, Jobs, OrderCancelled, OrderPlaced, Orders } from "./example-messages.ts";

const resources = new TestResources();
let server: NatsServer;
beforeAll(async () => {
  server = await resources.nats();
});
afterAll(() => resources.close());

let networks = 0;
async function open(network = `net${networks++}`, from: NatsServer = server): Promise<Bus> {
  return resources.use(
    await Bus.open({ servers: from.url, name: "shop", network, telemetry: Telemetry.silent("shop") }),
  );
}
const order = (id: number) => ({ id, dish: "soup" });

/** What the dead letters hold, read as a log. */
async function deadLetters(bus: Bus): Promise<MessageContext<"stream" | "consumer">[]> {
  const found: MessageContext<"stream" | "consumer">[] = [];
  await bus.follow(DeadLetter, { from: "all" }, (_, context) => void found.push(context));
  return found;
}

describe("a stream", () => {
  test("is what its definition says, and a repeat of an id is dropped", async () => {
    const bus = await open();
    await bus.ensureStream(Orders);
    await bus.ensureStream(Orders);
    const first = await bus.publish(OrderPlaced, { table: "t1" }, order(1));
    const again = await bus.publish(OrderPlaced, { table: "t1" }, order(1));
    expect([first.duplicate, again.duplicate, again.sequence === first.sequence]).toEqual([
      false,
      true,
      true,
    ]);
    expect(await bus.streamState(Orders)).toMatchObject({ messages: 1, lastSequence: 1 });
  });

  test("need not exist before its readers and writers do", async () => {
    const network = `net${networks++}`;
    const [reader, writer] = await Promise.all([open(network), open(network)]);
    const seen: number[] = [];
    await reader.consume(OrderPlaced, { durable: "kitchen" }, ({ id }) => {
      seen.push(id);
      return accept;
    });
    await Promise.all([1, 2, 3].map((id) => writer.publish(OrderPlaced, { table: "t1" }, order(id))));
    await eventually(() => expect(seen).toEqual([1, 2, 3]));
  });

  test("gives several messages in their order to one consumer", async () => {
    const bus = await open();
    await bus.publish(OrderPlaced, { table: "t1" }, order(1));
    await bus.publish(OrderCancelled, { table: "t1" }, { id: 1 });
    await bus.publish(OrderPlaced, { table: "t2" }, order(2));
    const seen: string[] = [];
    await bus.consumeAll(Orders, { durable: "kitchen" }, [
      on(OrderPlaced, ({ id }, { tokens }) => {
        seen.push(`placed ${id} ${tokens.table}`);
        return accept;
      }),
      on(OrderCancelled, ({ id }) => {
        seen.push(`cancelled ${id}`);
        return accept;
      }),
    ]);
    await eventually(() => expect(seen).toEqual(["placed 1 t1", "cancelled 1", "placed 2 t2"]));
  });

  test("is read as a log from a position that the reader keeps", async () => {
    const bus = await open();
    for (let id = 1; id <= 5; id++) await bus.publish(OrderPlaced, { table: "t" }, order(id));
    const seen: number[] = [];
    let failures = 0;
    const follower = await bus.follow(OrderPlaced, { from: { sequence: 3 } }, ({ id }, { sequence }) => {
      if (id === 4 && failures++ === 0) throw new Error("once");
      expect(sequence).toBe(id);
      seen.push(id);
    });
    await bus.publish(OrderPlaced, { table: "t" }, order(6));
    await eventually(() => expect(seen).toEqual([3, 4, 5, 6]));
    await follower.close();
  });
});

describe("verdicts", () => {
  test("accept ends a message; defer brings it back after its time; a throw brings it back too", async () => {
    const bus = await open();
    const deliveries: Record<number, number[]> = { 1: [], 2: [], 3: [] };
    const began = performance.now();
    let returned = 0;
    await bus.consume(OrderPlaced, { durable: "kitchen" }, ({ id }, context) => {
      deliveries[id]!.push(context.deliveries);
      if (context.deliveries > 1) returned = Math.max(returned, performance.now() - began);
      if (id === 2 && context.deliveries === 1) return defer(150);
      if (id === 3 && context.deliveries === 1) throw new Error("oops");
      return accept;
    });
    for (const id of [1, 2, 3]) await bus.publish(OrderPlaced, { table: "t" }, order(id));
    await eventually(() => expect(deliveries).toEqual({ 1: [1], 2: [1, 2], 3: [1, 2] }));
    expect(returned).toBeGreaterThan(140);
  });

  test("reject and what cannot be decoded become dead letters that say why", async () => {
    const bus = await open();
    await bus.consumeAll(Orders, { durable: "kitchen" }, [on(OrderPlaced, () => reject("KITCHEN_CLOSED"))]);
    await bus.publish(OrderPlaced, { table: "t7" }, order(1), { headers: { "Soma-Test": "x" } });
    const letters = await deadLetters(bus);
    await eventually(() => letters.length === 1);
    expect(letters[0]!.tokens).toEqual({ stream: "orders", consumer: "kitchen" });
    expect(letters[0]!.header("Soma-Code")).toBe("KITCHEN_CLOSED");
    expect(letters[0]!.header("Soma-Subject")).toBe(OrderPlaced.subjectFor(bus.network, { table: "t7" }));
    expect(letters[0]!.header("Soma-Deliveries")).toBe("1");
  });

  test("after its allowed deliveries a message is buried and no longer holds up a work queue", async () => {
    const bus = await open();
    const seen: number[] = [];
    await bus.consume(DishWanted, { durable: "cook", maxDeliver: 3 }, ({ id }) => {
      seen.push(id);
      return id === 1 ? defer(10) : accept;
    });
    await bus.publish(DishWanted, {}, { id: 1 });
    await bus.publish(DishWanted, {}, { id: 2 });
    await eventually(async () => (await bus.streamState(Jobs)).messages === 0);
    expect(seen.filter((id) => id === 1)).toHaveLength(3);
    const letters = await deadLetters(bus);
    await eventually(() => letters[0]?.header("Soma-Code") === "MESSAGE_TOO_MANY_DELIVERIES");
    expect(await bus.streamState(DeadLetterStream)).toMatchObject({ messages: 1 });
  });
});

describe("a consumer", () => {
  test("keeps the order of a key and works on others meanwhile", async () => {
    const bus = await open();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    await bus.consume(
      OrderPlaced,
      { durable: "kitchen", order: ({ tokens }) => tokens.table! },
      async ({ id }, { tokens }) => {
        if (id === 1) await gate.promise;
        log.push(`${tokens.table}:${id}`);
        return accept;
      },
    );
    for (const [id, table] of [
      [1, "a"],
      [2, "a"],
      [3, "b"],
      [4, "b"],
    ] as const)
      await bus.publish(OrderPlaced, { table }, order(id));
    await eventually(() => expect(log).toEqual(["b:3", "b:4"]));
    gate.resolve();
    await eventually(() => expect(log).toEqual(["b:3", "b:4", "a:1", "a:2"]));
  });

  test("never has more in hand than it may, and shares with its replicas", async () => {
    const network = `net${networks++}`;
    const cooks = await Promise.all([open(network), open(network)]);
    const done = [0, 0];
    const inHand = [0, 0];
    let most = 0;
    await Promise.all(
      cooks.map((bus, i) =>
        bus.consume(DishWanted, { durable: "cook", order: "none", maxInFlight: 2 }, async () => {
          most = Math.max(most, ++inHand[i]!);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inHand[i]!--;
          done[i]!++;
          return accept;
        }),
      ),
    );
    await Promise.all(Array.from({ length: 60 }, (_, id) => cooks[0]!.publish(DishWanted, {}, { id })));
    await eventually(() => done[0]! + done[1]! === 60);
    expect(most).toBe(2);
    expect(Math.min(...done)).toBeGreaterThan(5);
  });

  test("keeps a message that takes longer than the server would wait", async () => {
    const bus = await open();
    let deliveries = 0;
    await bus.consume(DishWanted, { durable: "cook", ackWaitMs: 300 }, async () => {
      deliveries++;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return accept;
    });
    await bus.publish(DishWanted, {}, { id: 1 });
    await eventually(async () => (await bus.streamState(Jobs)).messages === 0);
    expect(deliveries).toBe(1);
  });

  test("that closes finishes what it began and gives the rest to another", async () => {
    const network = `net${networks++}`;
    const [first, second] = [await open(network), await open(network)];
    const seen: string[] = [];
    const slow = await first.consume(DishWanted, { durable: "cook" }, async ({ id }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(`first ${id}`);
      return accept;
    });
    for (let id = 0; id < 30; id++) await first.publish(DishWanted, {}, { id });
    await eventually(() => seen.length >= 2);
    await second.consume(DishWanted, { durable: "cook" }, ({ id }) => {
      seen.push(`second ${id}`);
      return accept;
    });
    await slow.close();
    const byFirst = seen.length;
    await eventually(() => expect(new Set(seen.map((line) => line.split(" ")[1])).size).toBe(30));
    expect(byFirst).toBeLessThan(30);
    expect(seen.slice(byFirst).every((line) => line.startsWith("second"))).toBe(true);
  });

  test("refuses to take over a durable that filters something else", async () => {
    const bus = await open();
    await bus.consume(OrderPlaced, { durable: "kitchen" }, () => accept);
    await expect(bus.consume(OrderCancelled, { durable: "kitchen" }, () => accept)).rejects.toMatchObject({
      code: "CONSUMER_MISMATCH",
    });
  });
});

describe("when the server goes", () => {
  test("kill -9 and restart: publishers and consumers go on, nothing acknowledged is lost", async () => {
    const own = await resources.nats();
    const bus = await open("net", own);
    const seen = new Set<number>();
    await bus.consume(OrderPlaced, { durable: "kitchen" }, ({ id }) => {
      seen.add(id);
      return accept;
    });
    for (let id = 0; id < 20; id++) await bus.publish(OrderPlaced, { table: "t" }, order(id));
    await own.kill();
    const during = bus.publish(OrderPlaced, { table: "t" }, order(20)).catch((error: unknown) => error);
    await own.restart();
    await during;
    await eventually(() => bus.publish(OrderPlaced, { table: "t" }, order(20)), { within: 20_000 });
    await eventually(() => expect(seen.size).toBe(21), { within: 20_000 });
  });

  test("a stream that was lost is made again by whoever writes to it", async () => {
    const own = await resources.nats();
    const bus = await open("net", own);
    await bus.publish(DishWanted, {}, { id: 1 });
    await own.kill();
    await own.restart();
    await eventually(() => bus.publish(DishWanted, {}, { id: 2 }), { within: 30_000 });
    expect(await bus.streamState(Jobs)).toMatchObject({ messages: 1 });
  });

  test("a stream that was lost is made again by whoever reads it", async () => {
    const own = await resources.nats();
    const bus = await open("net", own);
    const seen: number[] = [];
    await bus.consume(DishWanted, { durable: "cook" }, ({ id }) => {
      seen.push(id);
      return accept;
    });
    await bus.publish(DishWanted, {}, { id: 1 });
    await eventually(() => seen.length === 1);
    // A stream in memory is gone with its server.
    await own.kill();
    await own.restart();
    await eventually(() => bus.publish(DishWanted, {}, { id: 2 }), { within: 30_000 });
    await eventually(() => expect(seen).toEqual([1, 2]), { within: 30_000 });
  });
});
