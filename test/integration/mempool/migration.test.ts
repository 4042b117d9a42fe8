import { Database, migrate, sql } from "@soma/storage";
import { Telemetry } from "@soma/telemetry";
import { TestResources } from "@soma/testkit";
import { afterAll, expect, test } from "vitest";
import { unpackTransactions } from "../../../services/mempool/src/shell/packed-transactions.ts";
import { MIGRATIONS } from "../../../services/mempool/src/shell/schema.ts";

const resources = new TestResources();
afterAll(() => resources.close());

test("rows of one transaction each become batches, in the order of admission", async () => {
  const postgres = await resources.postgres();
  const database = resources.use(
    await Database.open({
      url: await postgres.createDatabase("migration"),
      schema: "mempool",
      telemetry: Telemetry.silent(),
    }),
  );
  await migrate(database, MIGRATIONS.slice(0, 3));
  const sizes = [1, 127, 128, 16_383, 16_384, 262_144];
  for (const [i, size] of sizes.entries()) {
    const digest = i.toString(16).padStart(64, "0");
    await sql`insert into waiting (digest, sender, sequence, expiry_epoch, bytes, partition)
      values (${digest}, ${`${i % 2}f`}, ${i}, 1, ${Buffer.alloc(size, i)}, ${i % 2})`.execute(
      database.kysely,
    );
  }
  await migrate(database, MIGRATIONS);
  const { rows } = await sql<{
    partition: number;
    number: bigint;
    transactions: Uint8Array;
    digests: Buffer;
  }>`
    select partition, number, transactions, digests from batch order by number, partition`.execute(
    database.kysely,
  );
  expect(rows.map(({ partition, number }) => [partition, number])).toEqual(
    sizes.map((_, i) => [i % 2, BigInt(Math.floor(i / 2) + 1)]),
  );
  for (const [i, { transactions, digests }] of rows.entries()) {
    const [only, ...more] = unpackTransactions(transactions);
    expect(more).toEqual([]);
    expect([only!.length, new Set(only)]).toEqual([sizes[i], new Set([i])]);
    expect(Buffer.from(digests).toString("hex")).toBe(i.toString(16).padStart(64, "0"));
  }
});
