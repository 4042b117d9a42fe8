import { expect, test } from "vitest";
import { tableOf } from "./table.ts";

test("words stand left, numbers right, and colours take no room", () => {
  const rows = [
    ["v0", "\u001b[32m7\u001b[39m"],
    ["validator", "1234"],
  ];
  expect(tableOf([{ title: "who" }, { title: "round", align: "right" }], rows)).toEqual([
    "who        round",
    "v0             \u001b[32m7\u001b[39m",
    "validator   1234",
  ]);
});

test("a table of no rows is its titles", () => {
  expect(tableOf([{ title: "who" }, { title: "round" }], [])).toEqual(["who  round"]);
});
