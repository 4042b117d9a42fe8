import { accept } from "@soma/actor";
import { Bus } from "@soma/runtime";
import { Database, insertMany, migrate, Outbox, pruneInbox, transactStep } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { eventually, type NatsServer, type PostgresServer, TestResources } from "@soma/testkit";
import { type Generated, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OrderPlaced, Orders } from "./example-messages.ts";

interface Tables {
  dish: { id: Generated<bigint>; name: string; price: bigint; photo: Uint8Array };
}

const MIGRATIONS = [
  {
    name: "0001-dish",
    sql: `create table dish (
      id bigint generated always as identity primary key, name text not null unique,
      price numeric(40) not null, photo bytea not null)`,
  },
];

const resources = new TestResources();
let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [nats, postgres] = await Promise.all([resources.nats(), resources.postgres()]);
});
afterAll(() => resources.close());

let names = 0;
async function open(schema = `shop_${names++}`): Promise<Database<Tables>> {
  const url = await postgres.createDatabase("soma");
  const database = resources.use(
    await Database.open<Tables>({ url, schema, telemetry: Telemetry.silent("shop") }),
  );
  await migrate(database, MIGRATIONS);
  return database;
}
const dish = (name: string, price = 1n) => ({ name, price, photo: Uint8Array.of(1, 2, 255) });

describe("a database", () => {
  test("keeps big integers and bytes as they are", async () => {
    const database = await open();
    const price = 123_456_789_012_345_678_901_234_567_890n;
    await database.kysely.insertInto("dish").values(dish("soup", price)).execute();
    const [row] = await database.kysely.selectFrom("dish").selectAll().execute();
    expect(row).toEqual({ id: 1n, name: "soup", price, photo: Uint8Array.of(1, 2, 255) });
    expect(row!.photo.constructor).toBe(Uint8Array);
    const { rows } = await sql<{ n: bigint }>`select count(*) as n from dish`.execute(database.kysely);
    expect(rows[0]!.n).toBe(1n);
  });

  test("a snapshot reads what was committed at one moment, and writes nothing", async () => {
    const database = await open();
    const count = (reading: typeof database.kysely) =>
      reading
        .selectFrom("dish")
        .select(({ fn }) => fn.countAll<bigint>().as("n"))
        .executeTakeFirstOrThrow();
    await database.snapshot(async (reading) => {
      expect((await count(reading)).n).toBe(0n);
      await database.kysely.insertInto("dish").values(dish("late")).execute();
      expect((await count(reading)).n).toBe(0n);
    });
    expect((await database.snapshot(count)).n).toBe(1n);
    const writing = database.snapshot((reading) => reading.insertInto("dish").values(dish("no")).execute());
    await expect(writing).rejects.toThrow(/read-only transaction/);
  });

  test("takes more rows than fit in one statement, and may pass over those it has", async () => {
    const database = await open();
    const rows = Array.from({ length: 25_000 }, (_, i) => dish(`dish ${i}`, BigInt(i)));
    await insertMany(database.kysely, "dish", rows);
    await insertMany(database.kysely, "dish", [...rows.slice(0, 10), dish("new")], { onConflict: "ignore" });
    await expect(insertMany(database.kysely, "dish", rows.slice(0, 1))).rejects.toThrow(/duplicate key/);
    const { n } = await database.kysely
      .selectFrom("dish")
      .select(({ fn }) => fn.countAll<bigint>().as("n"))
      .executeTakeFirstOrThrow();
    expect(n).toBe(25_001n);
  });

  test("outlives a server that ends connections at work, and goes on with new ones", async () => {
    const database = await open();
    // At the same time as the query's failure the connection itself tells of its end; nobody may be ended by that.
    const failed = database.transaction(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(database.kysely);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await sql`select 1`.execute(tx);
    });
    await expect(failed).rejects.toThrow();
    expect(await database.ping()).toBe(true);
  });

  test("waits for a server that is still starting, and gives up on one that never comes", async () => {
    const own = await resources.postgres();
    const url = await own.createDatabase("soma");
    await own.stop();
    const options = { url, schema: "late", telemetry: Telemetry.silent() };
    await expect(Database.open({ ...options, startWithinMs: 100 })).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
    const opening = Database.open(options);
    await own.restart();
    const database = resources.use(await opening);
    expect(await database.ping()).toBe(true);
    await own.stop();
    expect(await database.ping()).toBe(false);
    await own.restart();
    await eventually(() => database.ping());
    await own.kill();
    await own.restart();
    await eventually(() => database.ping());
  });
});

describe("migrations", () => {
  test("run once, however many processes start together", async () => {
    const schema = `shop_${names++}`;
    const url = await postgres.createDatabase("soma");
    const opened = await Promise.all(
      [1, 2, 3].map(() => Database.open<Tables>({ url, schema, telemetry: Telemetry.silent() })),
    );
    for (const database of opened) resources.use(database);
    const applied = await Promise.all(opened.map((database) => migrate(database, MIGRATIONS)));
    expect(applied.flat().sort()).toEqual(["0000-inbox-outbox", "0001-dish"]);
    expect(await migrate(opened[0]!, [...MIGRATIONS, { name: "0002-x", sql: "create table x ()" }])).toEqual([
      "0002-x",
    ]);
  });

  test("that were changed after they ran, or that fail, change nothing", async () => {
    const database = await open();
    const changed = [{ name: "0001-dish", sql: "create table other ()" }];
    await expect(migrate(database, changed)).rejects.toMatchObject({ code: "MIGRATION_CHANGED" });
    await expect(migrate(database, [])).rejects.toMatchObject({ code: "MIGRATION_CHANGED" });
    const broken = [
      ...MIGRATIONS,
      { name: "0002-ok", sql: "create table y ()" },
      { name: "0003-no", sql: "nonsense" },
    ];
    await expect(migrate(database, broken)).rejects.toThrow(/syntax/);
    expect(await migrate(database, broken.slice(0, 2))).toEqual(["0002-ok"]);
    await expect(migrate(database, [MIGRATIONS[0]!, MIGRATIONS[0]!])).rejects.toMatchObject({
      code: "MIGRATION_ORDER",
    });
  });
});

describe("a step", () => {
  test("happens once: a repeat finds its inbox row, a throw leaves nothing", async () => {
    const database = await open();
    const inbox = { consumer: "shop", messageId: "m1" };
    const staged = {
      subject: "a",
      payload: Uint8Array.of(7),
      messageId: "x",
      headers: {},
      stream: undefined,
    };
    await expect(
      transactStep(database, {
        inbox,
        write: async (tx) => {
          await tx.insertInto("dish").values(dish("soup")).execute();
          throw new Error("power cut");
        },
      }),
    ).rejects.toThrow("power cut");
    const step = () =>
      transactStep(database, {
        inbox,
        write: async (tx) => {
          await tx.insertInto("dish").values(dish("soup")).execute();
          return { value: "cooked", outbox: [staged] };
        },
      });
    expect(await step()).toEqual({ kind: "done", value: "cooked" });
    expect(await step()).toEqual({ kind: "repeat" });
    expect(await database.kysely.selectFrom("dish").select("name").execute()).toHaveLength(1);
    expect(await database.kysely.selectFrom("outbox").select("payload").execute()).toEqual([
      { payload: Uint8Array.of(7) },
    ]);
    expect(await pruneInbox(database, 60_000)).toBe(0);
    expect(await pruneInbox(database, -60_000)).toBe(1);
  });
});

describe("the outbox", () => {
  async function openBus(network: string): Promise<Bus> {
    return resources.use(
      await Bus.open({ servers: nats.url, name: "shop", network, telemetry: Telemetry.silent("shop") }),
    );
  }
  const place = (database: Database<Tables>, bus: Bus, ids: number[]) =>
    transactStep(database, {
      write: async () => ({
        value: undefined,
        outbox: ids.map((id) => bus.stage(OrderPlaced, { table: "t" }, { id, dish: "soup" })),
      }),
    });

  test("sends in order what was committed, also what a dead process left behind, once for each id", async () => {
    const [database, bus] = [await open(), await openBus("outbox")];
    const ids = Array.from({ length: 300 }, (_, i) => i);
    await place(database, bus, ids.slice(0, 200));
    const seen: number[] = [];
    await bus.consume(OrderPlaced, { durable: "kitchen" }, ({ id }) => {
      seen.push(id);
      return accept;
    });
    // The first process dies after sending and before it can forget the rows.
    await bus.publish(OrderPlaced, { table: "t" }, { id: 0, dish: "soup" });
    const outbox = resources.use(Outbox.open({ database, send: (message) => bus.publishStaged(message) }));
    await place(database, bus, ids.slice(200));
    await outbox.drained();
    await eventually(() => expect(seen).toEqual(ids));
    expect(await database.kysely.selectFrom("outbox").select("id").execute()).toEqual([]);
    expect(await bus.streamState(Orders)).toMatchObject({ messages: 300 });
  });

  test("tries again until the bus confirms", async () => {
    const database = await open();
    const bus = await openBus("refusing");
    await place(database, bus, [1]);
    let attempts = 0;
    const outbox = resources.use(
      Outbox.open({
        database,
        send: async (message) => {
          if (++attempts < 3) throw new Error("not now");
          await bus.publishStaged(message);
        },
      }),
    );
    await outbox.drained();
    expect(attempts).toBe(3);
    expect(await bus.streamState(Orders)).toMatchObject({ messages: 1 });
  });
});
