import { inspect } from "node:util";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  bytes,
  type Config,
  choice,
  defineConfig,
  describeConfig,
  duration,
  flag,
  integer,
  list,
  ratio,
  Secret,
  secret,
  text,
  url,
} from "./index.ts";

const Example = defineConfig("shard-selection", {
  maxPending: { is: integer({ min: 1, max: 100 }), default: "10", doc: "How many wait." },
  grace: { is: duration(), default: "30s", doc: "How long." },
  database: { is: secret(), doc: "Where the data is." },
  proxy: { is: text(), default: null, doc: "An optional thing." },
  log: { is: choice(["info", "silent"]), default: "silent", env: "SOMA_LOG", doc: "How much." },
});

describe("a configuration", () => {
  test("reads defaults and the environment into typed values", () => {
    const config = Example.read({
      SOMA_SHARD_SELECTION_DATABASE: "pg://x",
      SOMA_SHARD_SELECTION_MAX_PENDING: "7",
    });
    expectTypeOf(config).toEqualTypeOf<Config<typeof Example>>();
    expectTypeOf(config.proxy).toEqualTypeOf<string | undefined>();
    expectTypeOf(config.log).toEqualTypeOf<"info" | "silent">();
    expect({ ...config, database: config.database.reveal() }).toEqual({
      maxPending: 7,
      grace: 30_000,
      database: "pg://x",
      proxy: undefined,
      log: "silent",
    });
  });

  test("names every fault at once and no value", () => {
    const read = () => Example.read({ SOMA_SHARD_SELECTION_GRACE: "hunter2", SOMA_LOG: "loud" });
    expect(read).toThrow(/SOMA_SHARD_SELECTION_DATABASE is missing/);
    expect(read).toThrow(/SOMA_SHARD_SELECTION_GRACE: not a duration/);
    expect(read).toThrow(/SOMA_LOG/);
    expect(read).not.toThrow(/hunter2/);
  });

  test("describes itself", () => {
    expect(describeConfig(Example).map((v) => [v.env, v.default, v.secret])).toEqual([
      ["SOMA_SHARD_SELECTION_MAX_PENDING", "10", false],
      ["SOMA_SHARD_SELECTION_GRACE", "30s", false],
      ["SOMA_SHARD_SELECTION_DATABASE", "required", true],
      ["SOMA_SHARD_SELECTION_PROXY", "optional", false],
      ["SOMA_LOG", "silent", false],
    ]);
  });
});

test("a secret prints nowhere", () => {
  const hidden = new Secret("hunter2");
  for (const shown of [`${hidden}`, JSON.stringify({ hidden }), inspect({ hidden }), String(hidden)])
    expect(shown).not.toContain("hunter2");
  expect(hidden.reveal()).toBe("hunter2");
});

test.each([
  [duration(), "250ms", 250],
  [duration(), "2h", 7_200_000],
  [bytes(), "64KiB", 65_536],
  [bytes(), "12", 12],
  [flag(), "true", true],
  [list(), "a, b,,c", ["a", "b", "c"]],
  [list(), "", []],
  [ratio(), "0.25", 0.25],
  [integer(), "-3", -3],
  [url(["nats", "tls"]), "nats://127.0.0.1:4222", "nats://127.0.0.1:4222"],
])("%#: reads %j", (schema, given, value) => expect(schema.parse(given)).toEqual(value));

test.each([
  [duration(), "30"],
  [duration(), "-1s"],
  [bytes(), "1MB"],
  [flag(), "yes"],
  [ratio(), "2"],
  [ratio(), "x"],
  [integer({ max: 5 }), "6"],
  [integer(), "1e3"],
  [url(["nats"]), "http://x"],
])("%#: refuses %j", (schema, given) => expect(schema.safeParse(given).success).toBe(false));
