import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { SomaError } from "@soma/base";
import { type Digest, type Override, stageOf } from "@soma/protocol";
import { z } from "zod";

const PointsSchema = z.record(z.string(), z.string());

/**
 * What a key has signed, beside the key: two overrides of one halt point would split the network.
 * @throws SomaError OVERRIDE_SIGNED if the key signed another; `instead` names one that every ledger refused
 */
export function rememberSigned(
  keyFile: string,
  chainId: string,
  override: Override,
  digest: Digest,
  instead: Digest | undefined,
): void {
  const path = `${keyFile}.overrides.json`;
  const points = existsSync(path) ? PointsSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : {};
  const point = `${chainId} ${override.epoch} ${override.commit} ${stageOf(override)}`;
  const before = points[point];
  if (before !== undefined && before !== digest && before !== instead) {
    throw new SomaError(
      "OVERRIDE_SIGNED",
      `this key signed override ${before} of that point, and a second one could split the network; only if every ledger refused the first: --instead-of ${before}`,
    );
  }
  const next = `${path}.next`;
  writeFileSync(next, `${JSON.stringify({ ...points, [point]: digest }, null, 2)}\n`, { flush: true });
  renameSync(next, path);
}
