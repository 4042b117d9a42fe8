import { expect, test } from "vitest";
import { cell, csvText, markdownLines, plainLines, type StudyTable } from "./study-table.ts";

const table: StudyTable = {
  name: "t",
  title: "T",
  columns: [
    { title: "who", csv: ["who"] },
    { title: "how many", csv: ["value", "low"], align: "right" },
  ],
  rows: [
    [cell('a|"b", c'), cell("3 [1]", 3, 1)],
    [cell("d"), cell("none", "", "")],
  ],
};

test("as text, as markdown and as CSV", () => {
  expect(plainLines(table)).toEqual(["who       how many", 'a|"b", c     3 [1]', "d             none"]);
  expect(markdownLines(table)).toEqual([
    "| who | how many |",
    "| --- | ---: |",
    '| a\\|"b", c | 3 [1] |',
    "| d | none |",
  ]);
  expect(csvText(table)).toBe('who,value,low\n"a|""b"", c",3,1\nd,,\n');
});
