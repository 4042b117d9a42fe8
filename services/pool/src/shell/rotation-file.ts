import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { z } from "zod";
import { ROTATION_ONE, type Rotation } from "../core/index.ts";

const ManifestSchema = z.looseObject({
  dimension: z.int().min(2).max(2048),
  leading: z.int().min(1).max(2048),
  one: z.literal(ROTATION_ONE),
  rowsFile: z.string().regex(/^[a-z0-9.-]+$/),
  sha256: z.string(),
});

/** The leading rows of a published rotation, with the hash that names it. */
export interface PublishedRotation {
  readonly rotation: Rotation;
  /** SHA-256 of all its rows. */
  readonly sha256: string;
}

/** Reads `rotation.json` and the file that it names. @throws SomaError POOL_ROTATION_FILE */
export function loadRotation(folder: string): PublishedRotation {
  let manifest: z.output<typeof ManifestSchema>;
  let bytes: Uint8Array;
  try {
    manifest = ManifestSchema.parse(JSON.parse(readFileSync(join(folder, "rotation.json"), "utf8")));
    bytes = readFileSync(join(folder, manifest.rowsFile));
  } catch (cause) {
    throw new SomaError("POOL_ROTATION_FILE", `${folder} holds no rotation that can be read`, {}, { cause });
  }
  const { dimension, leading, sha256 } = manifest;
  const isWhole = bytes.length === 2 * dimension * dimension && leading <= dimension;
  if (!isWhole || createHash("sha256").update(bytes).digest("hex") !== sha256) {
    throw new SomaError("POOL_ROTATION_FILE", `${manifest.rowsFile} is not the file of rotation.json`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rows = Int16Array.from({ length: leading * dimension }, (_, i) => view.getInt16(2 * i, true));
  return { rotation: { dimension, leading, rows }, sha256 };
}
