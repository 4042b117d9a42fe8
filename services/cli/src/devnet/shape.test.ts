import type { Genesis } from "@soma/protocol";
import { expect, test } from "vitest";
import { shapeOf } from "./shape.ts";

const saved = {
  validators: [{ edgeAddress: "127.0.0.1:5005" }, { edgeAddress: "127.0.0.1:5001" }],
  encoders: [{}, {}, {}],
} as unknown as Genesis;

test("a new network is as asked for, a saved one as it was begun", () => {
  expect(shapeOf({}, undefined)).toEqual({ validators: 4, encoders: 8, basePort: 4700 });
  expect(shapeOf({ encoders: 3 }, undefined)).toEqual({ validators: 4, encoders: 3, basePort: 4700 });
  expect(shapeOf({}, saved)).toEqual({ validators: 2, encoders: 3, basePort: 5000 });
  expect(shapeOf({ validators: 2, basePort: 5000 }, saved)).toEqual(shapeOf({}, saved));
});

test("a saved network has no other shape, and ports end", () => {
  expect(() => shapeOf({ encoders: 4, basePort: 4700 }, saved)).toThrow(
    "was begun with --encoders 3 --base-port 5000; leave that out",
  );
  expect(() => shapeOf({ basePort: 65_519 }, undefined)).not.toThrow();
  expect(() => shapeOf({ basePort: 65_520 }, undefined)).toThrow("give --base-port 65519 or less");
});
