import { expect, test } from "vitest";
import { isColoured } from "./terminal.ts";

test.each([
  ["on a terminal", [], {}, true, true],
  ["into a pipe", [], {}, false, false],
  ["into a pipe when forced", [], { FORCE_COLOR: "1" }, false, true],
  ["with --plain", ["status", "--plain"], {}, true, false],
  ["with --no-color", ["--no-color", "status"], { FORCE_COLOR: "1" }, true, false],
  ["with NO_COLOR", [], { NO_COLOR: "1" }, true, false],
  ["with an empty NO_COLOR", [], { NO_COLOR: "" }, true, true],
  ["on a dumb terminal", [], { TERM: "dumb" }, true, false],
  ["with --plain as a text to search for", ["search", "--", "--plain"], {}, true, true],
])("%s", (_, argv, env, isTerminal, coloured) => {
  expect(isColoured(argv, env, isTerminal)).toBe(coloured);
});
