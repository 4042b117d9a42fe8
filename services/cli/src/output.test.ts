import { readFileSync } from "node:fs";
import { SomaError } from "@soma/base";
import { expect, test } from "vitest";
import { failureText } from "./output.ts";

const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

test("a failure is a sentence with its code", () => {
  expect(failureText(new SomaError("CLI_X", "not so; do this"), {})).toBe("CLI_X: not so; do this");
  expect(
    failureText(
      thrown(() => readFileSync("/nowhere/at/all")),
      {},
    ),
  ).toBe("ENOENT: /nowhere/at/all: no such file or directory; choose another path, or mend this one");
});

test("what nobody expected shows where it comes from only when asked", () => {
  const error = new TypeError("Invalid u64");
  expect(failureText(error, {})).toBe(
    "UNEXPECTED: Invalid u64; SOMA_STACK=1 before the command shows where it comes from",
  );
  expect(failureText(error, { SOMA_STACK: "1" })).toMatch(/TypeError: Invalid u64\n +at /);
});

test("text from elsewhere moves no cursor", () => {
  expect(failureText(new SomaError("X", "a\u001b[2J\u0007b\u009bc\u202ed\ne\r"), {})).toBe("X: abd\ne");
});
