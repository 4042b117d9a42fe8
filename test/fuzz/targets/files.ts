import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err, ok, type Result, SomaError } from "@soma/base";
import { JobJournal } from "@soma/client";
import { loadKeyFile } from "@soma/identity";
import { createNatsKeys, loadEdgeAccount } from "@soma/peering/edge";
import type { FuzzTarget } from "../harness/target.ts";

/** Writes the bytes to a file and loads it: a refusal is a SomaError, anything else that is thrown is a fault. */
async function loaded(
  name: string,
  bytes: Uint8Array,
  load: (path: string) => unknown,
): Promise<Result<unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "soma-fuzz-"));
  const file = join(folder, name);
  writeFileSync(file, bytes, { mode: 0o600 });
  try {
    return ok(await load(file));
  } catch (error) {
    if (error instanceof SomaError) return err(error.code, error.message);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const journal = {
  version: 1,
  genesis: "ab".repeat(32),
  sessionSeed: "cd".repeat(32),
  items: ["61", "62"],
  labels: ["a.txt", "b.txt"],
  light: null,
  payment: { digest: "ef".repeat(32), bytes: "0102" },
  selection: { digest: "ef".repeat(32), bytes: "0102", attempt: 0 },
  bundle: null,
  facts: { draw: { checkpoint: "7", proof: "00" } },
  links: { "7": "00" },
};

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const FILE_BYTES = 256 * 1024;

export const FILE_TARGETS: readonly FuzzTarget[] = [
  {
    name: "key-file",
    form: "json",
    maxBytes: FILE_BYTES,
    corpus: () =>
      (["account", "validator", "encoder"] as const).map((kind) =>
        json({ format: "soma-key-v1", kind, seed: "ab".repeat(32) }),
      ),
    decode: (bytes) => loaded("key.json", bytes, (file) => loadKeyFile(file)),
    codes: ["KEY_FILE_MALFORMED"],
    share: 0.2,
  },
  {
    name: "job-journal",
    form: "json",
    maxBytes: FILE_BYTES,
    corpus: () => [json(journal)],
    decode: (bytes) => loaded("job.json", bytes, (file) => JobJournal.open(file).state),
    codes: ["JOURNAL_UNREADABLE"],
    share: 0.2,
  },
  {
    name: "edge-account-file",
    form: "json",
    maxBytes: FILE_BYTES,
    corpus: () => {
      const { edgeSigning } = createNatsKeys([]);
      return [json({ account: `A${"B".repeat(55)}`, signingSeed: edgeSigning })];
    },
    decode: (bytes) => loaded("edge.json", bytes, loadEdgeAccount),
    codes: ["NATS_KEYS_MALFORMED"],
    share: 0.2,
  },
];
