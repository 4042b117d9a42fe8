import { expect, test } from "vitest";
import { parseFilter } from "./filter.ts";

const free = { modality: null, submitter: null, fromEpoch: null, toEpoch: null };

test("reads facts, several together", () => {
  const submitter = "ab".repeat(32);
  expect(parseFilter([])).toBeNull();
  expect(parseFilter(["modality=text", `submitter=${submitter}`])).toEqual({
    ...free,
    modality: 0,
    submitter,
  });
  expect(parseFilter(["modality=7"])).toEqual({ ...free, modality: 7 });
  expect(parseFilter(["epoch=3"])).toEqual({ ...free, fromEpoch: 3n, toEpoch: 3n });
  expect(parseFilter(["epoch=3..9"])).toEqual({ ...free, fromEpoch: 3n, toEpoch: 9n });
  expect(parseFilter(["epoch=3.."])).toEqual({ ...free, fromEpoch: 3n });
  expect(parseFilter(["epoch=..9"])).toEqual({ ...free, toEpoch: 9n });
});

test.each([
  "",
  "epoch",
  "epoch=",
  "epoch=..",
  "epoch=a",
  "epoch=1.5",
  "modality=voice",
  "modality=256",
  "submitter=ab",
  "winner=1",
])("refuses %j", (word) => {
  expect(() => parseFilter([word])).toThrow(expect.objectContaining({ code: "CLI_FILTER" }));
});
