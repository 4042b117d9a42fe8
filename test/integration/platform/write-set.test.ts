import { Database, migrate, WriteSet } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { type PostgresServer, TestResources } from "@soma/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

interface Tables {
  dish: {
    name: string;
    price: bigint;
    photo: Uint8Array | null;
    hot: boolean;
    place: number;
    note: string | null;
  };
  guest: { id: bigint; name: string };
}

const MIGRATIONS = [
  {
    name: "0001-tables",
    sql: `create table dish (name text primary key, price bigint not null, photo bytea, hot boolean not null,
        place integer not null, note text);
      create table guest (id bigint primary key, name text not null);`,
  },
];

const resources = new TestResources();
let schemas = 0;
let postgres: PostgresServer;
let database: Database<Tables>;
beforeAll(async () => {
  postgres = await resources.postgres();
});
beforeEach(async () => {
  const url = await postgres.createDatabase("soma");
  database = resources.use(
    await Database.open<Tables>({ url, schema: `shop_${schemas++}`, telemetry: Telemetry.silent("shop") }),
  );
  await migrate(database, MIGRATIONS);
});
afterAll(() => resources.close());

const dish = (name: string, change: Partial<Tables["dish"]> = {}): Tables["dish"] => ({
  name,
  price: 1n,
  photo: null,
  hot: false,
  place: 0,
  note: null,
  ...change,
});
const dishes = () => database.kysely.selectFrom("dish").selectAll().orderBy("name").execute();
const guests = () => database.kysely.selectFrom("guest").selectAll().orderBy("id").execute();

describe("a write set", () => {
  test("keeps every value as it is", async () => {
    const rows = [
      dish("a", { price: 2n ** 63n - 1n, photo: Uint8Array.from({ length: 256 }, (_, i) => i), hot: true }),
      dish("b", { price: -1n, photo: new Uint8Array(), place: -7, note: "" }),
      dish("c", { note: `{"quoted", \\ \n 'and' NULL} \u00e9\u{1f372}` }),
      dish("d", { note: "NULL" }),
    ];
    await new WriteSet<Tables>().insert("dish", rows).write(database);
    expect(await dishes()).toEqual(rows);
  });

  test("changes several tables, keeps or changes what is there, deletes", async () => {
    await new WriteSet<Tables>()
      .insert("dish", [dish("a"), dish("b"), dish("c")])
      .insert("guest", [{ id: 1n, name: "old" }])
      .write(database);
    await new WriteSet<Tables>()
      .insert("dish", [dish("a", { price: 5n, place: 5 }), dish("d")], { key: ["name"], update: ["price"] })
      .delete("dish", "name", ["b", "no such dish"])
      .insert(
        "guest",
        [
          { id: 1n, name: "new" },
          { id: 2n, name: "second" },
        ],
        "ignore",
      )
      .write(database);
    expect((await dishes()).map(({ name, price, place }) => [name, price, place])).toEqual([
      ["a", 5n, 0],
      ["c", 1n, 0],
      ["d", 1n, 0],
    ]);
    expect((await guests()).map(({ name }) => name)).toEqual(["old", "second"]);
  });

  test("updates the rows that have the given values, beside other changes", async () => {
    await new WriteSet<Tables>()
      .insert("dish", [dish("a"), dish("b"), dish("c", { hot: true })])
      .write(database);
    const photo = Uint8Array.of(0, 92, 255);
    await new WriteSet<Tables>()
      .update("dish", { photo, note: 'it\'s "hot"', price: 7n }, { hot: false, name: "a" })
      .update("dish", { place: 3 }, { hot: true })
      .update("dish", { place: 9 }, { name: "no such dish" })
      .insert("guest", [{ id: 1n, name: "first" }])
      .write(database);
    expect(await dishes()).toEqual([
      dish("a", { photo, note: 'it\'s "hot"', price: 7n }),
      dish("b"),
      dish("c", { hot: true, place: 3 }),
    ]);
    expect(await guests()).toEqual([{ id: 1n, name: "first" }]);
  });

  test("is written wholly or not at all, as one statement or as many", async () => {
    await new WriteSet<Tables>().insert("guest", [{ id: 1n, name: "there" }]).write(database);
    for (const others of [0, 170_000]) {
      const set = new WriteSet<Tables>()
        .insert("dish", [dish("first")])
        .delete(
          "dish",
          "name",
          Array.from({ length: others }, (_, i) => `dish ${i}`),
        )
        .insert("guest", [{ id: 1n, name: "again" }]);
      await expect(set.write(database)).rejects.toThrow(/duplicate key/);
      expect(await dishes()).toEqual([]);
    }
  });

  test("takes more rows than fit in one statement, and none", async () => {
    const rows = Array.from({ length: 170_000 }, (_, i) => ({ id: BigInt(i), name: `guest ${i}` }));
    await new WriteSet<Tables>().insert("guest", rows).write(database);
    await new WriteSet<Tables>().insert("guest", []).delete("dish", "name", []).write(database);
    const { n } = await database.kysely
      .selectFrom("guest")
      .select(({ fn }) => fn.countAll<bigint>().as("n"))
      .executeTakeFirstOrThrow();
    expect(n).toBe(170_000n);
  });
});
