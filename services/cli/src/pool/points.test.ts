import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Library } from "../library.ts";
import { pointsOf } from "./points.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-points-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A result as `soma encode` leaves it. */
function store(name: string, job: string, labels: readonly string[]): void {
  const items = labels.map((label) => ({ label, text: label, embedding: [1] }));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ job, winner: null, items }));
  writeFileSync(join(folder, `${name}.soma-receipt`), "");
}

test("names items by id, and by a label that one job has", () => {
  const [first, second] = ["ab".repeat(32), "cd".repeat(32)];
  store("one", first, ["owl.txt", "wolf.txt"]);
  store("two", second, ["owl.txt", "boat.txt"]);
  const library = new Library(folder);
  expect(pointsOf(["boat.txt", `${first}:7`, "wolf.txt"], library)).toEqual([
    { job: second, item: 1 },
    { job: first, item: 7 },
    { job: first, item: 1 },
  ]);
  for (const name of ["owl.txt", "moon.txt", `${first}:`, "ab:1"]) {
    expect(() => pointsOf([name], library), name).toThrow(expect.objectContaining({ code: "CLI_ITEM" }));
  }
});
