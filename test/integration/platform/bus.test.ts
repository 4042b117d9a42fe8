import { accept, reject } from "@soma/actor";
import { err, ok } from "@soma/base";
import { DeadLetterStream, registry as platformRegistry } from "@soma/contracts";
import { Bus } from "@soma/runtime";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BellRung, GetPrice, OrderPlaced, Orders, registry } from "./example-messages.ts";

const resources = new TestResources();
let server: NatsServer;
beforeAll(async () => {
  server = await resources.nats();
});
afterAll(() => resources.close());

let networks = 0;
function nextNetwork(): string {
  return `net${networks++}`;
}

async function open(name: string, network: string): Promise<Bus> {
  return resources.use(
    await Bus.open({ servers: server.url, name, network, telemetry: Telemetry.silent(name) }),
  );
}

describe("core messages", () => {
  test("reach every reader in order, and each queue once", async () => {
    const network = nextNetwork();
    const [sender, reader] = await Promise.all([open("kitchen", network), open("shop", network)]);
    const all: number[] = [];
    const shared: number[] = [];
    await reader.subscribe(BellRung, {}, async (bytes, context) => {
      await Promise.resolve();
      expect(context.tokens.table).toBe("t1");
      all.push(bytes[0]!);
    });
    for (let i = 0; i < 2; i++)
      await reader.subscribe(BellRung, { table: "t1" }, (bytes) => void shared.push(bytes[0]!), {
        queue: "waiters",
      });
    for (let i = 0; i < 50; i++) await sender.publish(BellRung, { table: "t1" }, Uint8Array.of(i));
    const expected = Array.from({ length: 50 }, (_, i) => i);
    await eventually(() => expect(all).toEqual(expected));
    await eventually(() => expect([...shared].sort((a, b) => a - b)).toEqual(expected));
  });

  test("are dropped, not queued without bound, when the reader is slow", async () => {
    const bus = await open("shop", nextNetwork());
    const gate = Promise.withResolvers<void>();
    let handled = 0;
    await bus.subscribe(
      BellRung,
      {},
      async () => {
        await gate.promise;
        handled++;
      },
      { maxWaiting: 5 },
    );
    for (let i = 0; i < 100; i++) await bus.publish(BellRung, { table: "t1" }, Uint8Array.of(i));
    await bus.flush();
    gate.resolve();
    await bus.quiesce();
    expect(handled).toBe(6);
  });

  test("a handler that throws does not end the subscription", async () => {
    const bus = await open("shop", nextNetwork());
    const seen: number[] = [];
    await bus.subscribe(BellRung, {}, ([n]) => {
      seen.push(n!);
      if (n === 1) throw new Error("burnt");
    });
    for (const n of [1, 2]) await bus.publish(BellRung, { table: "t" }, Uint8Array.of(n));
    await eventually(() => seen.length === 2);
  });
});

describe("requests", () => {
  test("are answered, refused with a code, or told that the responder failed, without its words", async () => {
    const network = nextNetwork();
    const [shop, kitchen] = await Promise.all([open("shop", network), open("kitchen", network)]);
    await shop.respond(GetPrice, {}, async ({ dish }) => {
      if (dish === "soup") return ok({ cents: 450 });
      if (dish === "bug") throw new Error("secret detail");
      return err("SHOP_NO_SUCH_DISH", `no ${dish} today`);
    });
    expect(await kitchen.request(GetPrice, {}, { dish: "soup" })).toEqual(ok({ cents: 450 }));
    expect(await kitchen.request(GetPrice, {}, { dish: "cake" })).toEqual(
      err("SHOP_NO_SUCH_DISH", "no cake today"),
    );
    expect(await kitchen.request(GetPrice, {}, { dish: "bug" })).toEqual(
      err("REQUEST_FAILED", "the responder failed"),
    );
  });

  test("wait for a responder that is still starting", async () => {
    const network = nextNetwork();
    const [shop, kitchen] = await Promise.all([open("shop", network), open("kitchen", network)]);
    const asked = kitchen.request(GetPrice, {}, { dish: "soup" });
    await shop.respond(GetPrice, {}, () => ok({ cents: 1 }));
    expect(await asked).toEqual(ok({ cents: 1 }));
  });

  test("end by their deadline, with or without a responder", async () => {
    const network = nextNetwork();
    const [shop, kitchen] = await Promise.all([open("shop", network), open("kitchen", network)]);
    expect(await kitchen.request(GetPrice, {}, { dish: "x" }, { failFast: true })).toMatchObject({
      code: "REQUEST_NO_RESPONDER",
    });
    expect(await kitchen.request(GetPrice, {}, { dish: "x" }, { timeoutMs: 100 })).toMatchObject({
      code: "REQUEST_NO_RESPONDER",
    });
    const never = Promise.withResolvers<void>();
    await shop.respond(GetPrice, {}, async () => {
      await never.promise;
      return ok({ cents: 1 });
    });
    expect(await kitchen.request(GetPrice, {}, { dish: "x" }, { timeoutMs: 100 })).toMatchObject({
      code: "REQUEST_TIMEOUT",
    });
    never.resolve();
  });

  test("beyond what may wait are refused at once", async () => {
    const network = nextNetwork();
    const [shop, kitchen] = await Promise.all([open("shop", network), open("kitchen", network)]);
    const gate = Promise.withResolvers<void>();
    await shop.respond(
      GetPrice,
      {},
      async () => {
        await gate.promise;
        return ok({ cents: 1 });
      },
      { concurrency: 1, maxWaiting: 1 },
    );
    const asked = [1, 2, 3].map((n) => kitchen.request(GetPrice, {}, { dish: String(n) }));
    expect(await asked[2]).toMatchObject({ code: "REQUEST_BUSY" });
    gate.resolve();
    expect(await Promise.all(asked.slice(0, 2))).toEqual([ok({ cents: 1 }), ok({ cents: 1 })]);
  });
});

describe("permissions from the registry", () => {
  const network = "net";

  /** A server on which each service may do what the messages say. */
  async function guarded(...services: string[]) {
    const users = services.map((user) => {
      const own = registry.permissions(user, network);
      const platform = platformRegistry.permissions(user, network);
      return {
        user,
        password: "pw",
        permissions: {
          publish: [...own.publish, ...platform.publish.filter((subject) => subject.includes("dead"))],
          subscribe: own.subscribe,
          allowResponses: own.allowResponses,
        },
      };
    });
    const server = await resources.nats({ accounts: { APP: { users, jetStream: true } } });
    return Promise.all(
      services.map(async (name) =>
        resources.use(
          await Bus.open({
            servers: server.url,
            name,
            network,
            credentials: { kind: "password", user: name, password: "pw" },
            telemetry: Telemetry.silent(name),
          }),
        ),
      ),
    );
  }

  test("let a service send, answer and hear its own and nothing else", async () => {
    const [shop, kitchen, stranger] = (await guarded("shop", "kitchen", "stranger")) as [Bus, Bus, Bus];
    await shop.respond(GetPrice, {}, () => ok({ cents: 5 }));
    expect(await kitchen.request(GetPrice, {}, { dish: "soup" })).toEqual(ok({ cents: 5 }));
    expect(await stranger.request(GetPrice, {}, { dish: "soup" }, { timeoutMs: 300 })).toMatchObject({
      ok: false,
    });
    const heard: string[] = [];
    await shop.subscribe(BellRung, {}, (_, { tokens }) => void heard.push(tokens.table));
    await stranger.publish(BellRung, { table: "forged" }, Uint8Array.of(1));
    await stranger.flush();
    await kitchen.publish(BellRung, { table: "real" }, Uint8Array.of(1));
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(["real"]);
  });

  test("are enough for streams, their consumers, followers and dead letters, and for no stranger", async () => {
    const [shop, kitchen, stranger] = (await guarded("shop", "kitchen", "stranger")) as [Bus, Bus, Bus];
    const order = (id: number) => ({ id, dish: "soup" });
    const seen: number[] = [];
    const followed: number[] = [];
    await kitchen.consume(OrderPlaced, { durable: "kitchen" }, ({ id }) => {
      seen.push(id);
      return id === 2 ? reject("KITCHEN_CLOSED") : accept;
    });
    await kitchen.follow(OrderPlaced, { from: "all" }, ({ id }) => void followed.push(id));
    await shop.ensureStream(Orders);
    for (const id of [1, 2, 3]) await shop.publish(OrderPlaced, { table: "t" }, order(id));
    await eventually(() =>
      expect([seen, followed]).toEqual([
        [1, 2, 3],
        [1, 2, 3],
      ]),
    );
    await eventually(async () => (await kitchen.streamState(DeadLetterStream)).messages === 1);
    await expect(stranger.publish(OrderPlaced, { table: "t" }, order(4))).rejects.toThrow();
    await expect(stranger.streamState(Orders)).rejects.toThrow();
    expect(await shop.streamState(Orders)).toMatchObject({ messages: 3 });
  });
});
