import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dot } from "@soma/embedding";
import { afterEach, beforeEach, expect, test } from "vitest";
import { leadingDimensions, ROTATION_ONE } from "../core/index.ts";
import { loadRotation } from "./rotation-file.ts";

const SPACE = join(import.meta.dirname, "../../../../models/space");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "soma-rotation-"));
  for (const name of ["rotation.json", "rotation.bin"]) copyFileSync(join(SPACE, name), join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the published rows are orthogonal and of length one, and keep nearly all of the anchors", () => {
  const { rotation } = loadRotation(folder);
  const { dimension, leading } = rotation;
  const row = (i: number) => rotation.rows.subarray(i * dimension, (i + 1) * dimension);
  for (let i = 0; i < leading; i++) {
    for (let j = 0; j <= i; j++) {
      expect(dot(row(i), row(j)) / ROTATION_ONE ** 2).toBeCloseTo(i === j ? 1 : 0, 2);
    }
  }
  const bytes = readFileSync(join(SPACE, "anchors.bin"));
  const anchor = Int16Array.from({ length: dimension }, (_, j) => bytes.readInt16LE(2 * j));
  const led = leadingDimensions(rotation, anchor, leading);
  expect(dot(led, led) / dot(anchor, anchor)).toBeGreaterThan(0.99);
});

test("a file that is changed, short or missing is refused", () => {
  const path = join(folder, "rotation.bin");
  const bytes = readFileSync(path);
  const refusal = expect.objectContaining({ code: "POOL_ROTATION_FILE" });
  const changed = Buffer.from(bytes);
  changed[77]! ^= 1;
  writeFileSync(path, changed);
  expect(() => loadRotation(folder)).toThrow(refusal);
  writeFileSync(path, bytes.subarray(2));
  expect(() => loadRotation(folder)).toThrow(refusal);
  rmSync(path);
  expect(() => loadRotation(folder)).toThrow(refusal);
  writeFileSync(join(folder, "rotation.json"), "[]");
  expect(() => loadRotation(folder)).toThrow(refusal);
});
