import { accept } from "@soma/actor";
import { ok } from "@soma/base";
import { defineConfig, integer } from "@soma/config";
import { defineService, type Platform, ServiceHost } from "@soma/runtime";
import { transactStep } from "@soma/storage";
import {
  eventually,
  type NatsServer,
  type PostgresServer,
  TestResources,
  TraceCollector,
} from "@soma/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BellRung, GetPrice, Greeting, OrderPlaced, Orders } from "./example-messages.ts";

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

interface Tables {
  sale: { id: number; cents: number };
}
const events: string[] = [];

/** Sells: answers prices, places an order when greeted from outside. */
const shop = defineService()({
  name: "shop",
  config: defineConfig("shop", { price: { is: integer(), default: "450", doc: "The price of everything." } }),
  async open({ bus, config, use }) {
    use({ close: async () => void events.push("shop closed") });
    await bus.ensureStream(Orders);
    await bus.respond(GetPrice, {}, () => ok({ cents: config.price }));
    await bus.subscribe(Greeting, {}, async () => {
      await bus.publish(OrderPlaced, { table: "t1" }, { id: 1, dish: "soup" });
    });
    return {};
  },
});

/** Cooks: asks the price, keeps the sale, rings the bell after the commit. */
const kitchen = defineService<Tables>()({
  name: "kitchen",
  config: defineConfig("kitchen", {}),
  migrations: [{ name: "0001-sale", sql: "create table sale (id int primary key, cents int not null)" }],
  async open({ bus, database, outbox, recovering, signal }) {
    recovering();
    signal.addEventListener("abort", () => events.push("kitchen draining"));
    await bus.consume(OrderPlaced, { durable: "kitchen" }, async (order, context) => {
      const price = await bus.request(GetPrice, {}, { dish: order.dish });
      if (!price.ok) throw new Error(price.code);
      await transactStep(database, {
        inbox: { consumer: "kitchen", messageId: context.messageId! },
        write: async (tx) => {
          await tx.insertInto("sale").values({ id: order.id, cents: price.value.cents }).execute();
          return {
            value: undefined,
            outbox: [bus.stage(BellRung, { table: "t1" }, Uint8Array.of(order.id))],
          };
        },
      });
      outbox.wake();
      return accept;
    });
    return { drain: async () => void events.push("kitchen drained"), health: () => ({ ok: true }) };
  },
});

async function platform(operator: string, network: string): Promise<Platform> {
  return { operator, network, servers: nats.url, databaseUrl: await postgres.createDatabase(operator) };
}

describe("services of one process", () => {
  test("work together through NATS, and one trace goes through all of it", async () => {
    const collector = resources.use(await TraceCollector.open());
    const traced = { ...(await platform("a", "traced")), otlpEndpoint: collector.url };
    const stranger = { ...(await platform("b", "traced")), otlpEndpoint: collector.url };
    const bells: number[] = [];
    const visitor = defineService()({
      name: "visitor",
      config: defineConfig("visitor", {}),
      async open({ bus, telemetry }) {
        await bus.subscribe(BellRung, {}, ([id]) => void bells.push(id!));
        await telemetry.withSpan("visit", {}, () => bus.publish(Greeting, { peer: "b" }, { words: "hello" }));
        return {};
      },
    });
    const host = await ServiceHost.open({
      platform: traced,
      services: [kitchen, shop],
      env: { SOMA_SHOP_PRICE: "700" },
    });
    expect(host.states()).toEqual({ kitchen: "ready", shop: "ready" });
    expect(host.health()).toMatchObject({ ok: true });
    const other = await ServiceHost.open({ platform: stranger, services: [visitor], env: {} });
    await eventually(() => bells.length === 1);
    await Promise.all([host.close(), other.close()]);

    const one = (name: string) => {
      const [span, ...more] = collector.named(name);
      expect(more, name).toEqual([]);
      return span!;
    };
    const names = [
      "process peering.greeting",
      "publish shop.order-placed",
      "process shop.order-placed",
      "request shop.get-price",
      "process shop.get-price",
      "transact kitchen",
    ];
    const [greeted, placed, cooked, asked, answered, stored] = names.map(one);
    // From another operator: linked, and a trace of our own.
    const visit = one("publish peering.greeting");
    expect(visit.operator).toBe("b");
    expect(greeted!.links).toEqual([{ traceId: visit.traceId, spanId: visit.spanId }]);
    expect([greeted!.parentSpanId, greeted!.traceId === visit.traceId]).toEqual([undefined, false]);
    // Inside: one trace.
    expect(placed!.parentSpanId).toBe(greeted!.spanId);
    expect([cooked!.parentSpanId, cooked!.service, cooked!.operator]).toEqual([
      placed!.spanId,
      "kitchen",
      "a",
    ]);
    expect(asked!.parentSpanId).toBe(cooked!.spanId);
    expect([answered!.parentSpanId, answered!.service]).toEqual([asked!.spanId, "shop"]);
    expect(stored!.traceId).toBe(greeted!.traceId);
    // Through the outbox, after the commit.
    expect(one("process kitchen.bell-rung").traceId).toBe(greeted!.traceId);
  });

  test("close in order: drain, own resources, then what they stand on", async () => {
    const host = await ServiceHost.open({
      platform: await platform("c", "closing"),
      services: [shop, kitchen],
      env: {},
    });
    events.length = 0;
    await host.close();
    expect(events).toContain("shop closed");
    expect(events.indexOf("kitchen draining")).toBeLessThan(events.indexOf("kitchen drained"));
    expect(host.states()).toEqual({ shop: "stopped", kitchen: "stopped" });
  });

  test("that cannot start take the others down and say why", async () => {
    const broken = defineService()({
      name: "broken",
      config: defineConfig("broken", { must: { is: integer(), doc: "Needed." } }),
      open: async () => ({}),
    });
    const where = await platform("d", "broken");
    await expect(
      ServiceHost.open({ platform: where, services: [shop, broken], env: {} }),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const { databaseUrl: _, ...bare } = where;
    await expect(ServiceHost.open({ platform: bare, services: [kitchen], env: {} })).rejects.toThrow(
      /SOMA_DATABASE_URL/,
    );
  });

  test("that fail later are reported", async () => {
    const failing = defineService()({
      name: "failing",
      config: defineConfig("failing", {}),
      async open({ fail }) {
        setImmediate(() => fail(new Error("disk on fire")));
        return {};
      },
    });
    const host = await ServiceHost.open({
      platform: await platform("e", "failing"),
      services: [failing, shop],
      env: {},
    });
    expect((await host.failure).message).toBe("disk on fire");
    expect(host.states()).toEqual({ failing: "failed", shop: "ready" });
    expect(host.health().ok).toBe(false);
    await host.close();
  });
});
