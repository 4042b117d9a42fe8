import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { bytesEqual, concatBytes, SomaError, u32be } from "@soma/base";
import { bcs, byteString, decodeExact, encode, u32, u64 } from "@soma/codec";
import { sha256 } from "@soma/crypto";
import { BLOCK_LIMITS } from "@soma/protocol";

const EntryCodec = bcs.struct("SignerLogEntry", {
  epoch: u64,
  round: u32,
  /** The signed block; empty in the first entry of a log that was begun anew. */
  block: byteString,
  /** The entry begins a log that replaces a lost one. */
  rebuilt: bcs.bool(),
});
export type SignerLogEntry = typeof EntryCodec.$inferType;

const MAX_ENTRY_BYTES = BLOCK_LIMITS.bytes + 64;
const CHECKSUM_BYTES = 8;
const HEADER_CHECK_BYTES = 4;
const HEADER_BYTES = 4 + CHECKSUM_BYTES + HEADER_CHECK_BYTES;
/** Entries after which the file is written anew with the last one alone. */
const COMPACT_AFTER = 4_096;

export type SignerLogStatus =
  | { readonly status: "intact"; readonly last: SignerLogEntry | null; readonly rebuiltIn: bigint | null }
  | { readonly status: "lost" };

/**
 * CONS-8: what this validator has signed, in a file of its own that no database backup ever brings back. An
 * entry is on disk, synced, before its block is shown to anybody.
 *
 * Each term of the lease has a file of its own, `<path>.<term>`, which begins with what the one before ended with: an
 * instance that was superseded and does not know it can write to its own file alone.
 *
 * Record: header, entry. Header: u32 length of the entry, first 8 bytes of its SHA-256, first 4 bytes of the SHA-256 of
 * these twelve, without which a length that rotted could pass what follows it off as cut. A record cut short at the very
 * end was never synced, hence never shown, and is dropped; any other damage makes the log doubtful, which is: lost. So
 * is a log of the format before, which had no check of the header.
 */
export class SignerLog {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Bytes of the file: an entry that was not written whole ends the process. */
  #size = 0;
  #entries = 0;
  #rebuiltIn: bigint | null = null;

  /** @param path of the term's own file */
  private constructor(path: string) {
    this.#path = path;
  }

  /** The newest term that has a file here, 0 for a log that was only begun; undefined if there is none. */
  static async newestTerm(path: string): Promise<bigint | undefined> {
    return (await termsOf(path)).at(-1);
  }

  /** Begins the log of a validator that has never signed: at its registration, by its operator's word. */
  static async create(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    if ((await termsOf(path)).length > 0) {
      throw new SomaError("SIGNER_LOG_EXISTS", `${path} exists; a signer log is never begun twice`);
    }
    const file = await open(path, "wx", 0o600);
    await file.sync();
    await file.close();
    await syncFolder(dirname(path));
  }

  /**
   * Takes over what is there, by the right of a lease's `term`, which is above every term that has a file. `signedTerm` is
   * the last one before in which something may have been signed: if all that is here is older, its log is elsewhere.
   */
  static async open(
    path: string,
    { term, signedTerm }: { readonly term: bigint; readonly signedTerm: bigint },
  ): Promise<{ log: SignerLog; found: SignerLogStatus }> {
    const log = new SignerLog(`${path}.${term}`);
    const terms = await termsOf(path);
    const newest = terms.at(-1);
    if (newest === undefined) return { log, found: { status: "lost" } };
    if (newest >= term)
      throw new SomaError("SIGNER_LOG_TERM", `${path}.${newest} is of a later term than ${term}`);
    if (newest < signedTerm) return { log, found: { status: "lost" } };
    await removeUnfinished(path, term);
    const entries = readEntries(await readFile(fileOf(path, newest)));
    if (entries === undefined) return { log, found: { status: "lost" } };
    log.#rebuiltIn = entries.findLast((entry) => entry.rebuilt)?.epoch ?? null;
    const last = entries.at(-1) ?? null;
    await log.#replace(last);
    for (const old of terms) await rm(fileOf(path, old));
    return { log, found: { status: "intact", last, rebuiltIn: log.#rebuiltIn } };
  }

  /** Resolves once the entry is on disk. What it throws must end the process: the block must not be shown. */
  async append(entry: Omit<SignerLogEntry, "rebuilt">): Promise<void> {
    if (this.#file === undefined) throw new SomaError("SIGNER_LOG_LOST", "a lost signer log takes no blocks");
    if (this.#entries >= COMPACT_AFTER) {
      await this.#replace({ ...entry, rebuilt: false });
      return;
    }
    const record = recordOf({ ...entry, rebuilt: false });
    const { bytesWritten } = await this.#file.write(record, 0, record.length, this.#size);
    if (bytesWritten !== record.length)
      throw new SomaError("SIGNER_LOG_SHORT", "the disk took half an entry");
    await this.#file.datasync();
    this.#size += record.length;
    this.#entries += 1;
  }

  /** Begins anew after a loss: nothing at or below `round` of `epoch` is ever signed. */
  async rebuild(epoch: bigint, round: number): Promise<void> {
    await this.#replace({ epoch, round, block: new Uint8Array(), rebuilt: true });
    this.#rebuiltIn = epoch;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** A new file with what must be remembered, put in place of the old one in one step. */
  async #replace(entry: SignerLogEntry | null): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.next`;
    const rebuilt =
      this.#rebuiltIn === null || entry?.rebuilt === true
        ? []
        : [recordOf({ epoch: this.#rebuiltIn, round: 0, block: new Uint8Array(), rebuilt: true })];
    const file = await open(next, "w+", 0o600);
    const content = concatBytes(...rebuilt, ...(entry === null ? [] : [recordOf(entry)]));
    try {
      await file.writeFile(content);
      await file.sync();
      await rename(next, this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await syncFolder(dirname(this.#path));
    await this.#file?.close();
    this.#file = file;
    this.#size = content.length;
    this.#entries = rebuilt.length + 1;
  }
}

/** Terms that have a file, ascending; 0 for the file without one, which `create` makes. */
async function termsOf(path: string): Promise<bigint[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  const prefix = `${basename(path)}.`;
  const terms = names.flatMap((name) => {
    if (name === basename(path)) return [0n];
    const term = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    return /^[1-9][0-9]*$/.test(term) ? [BigInt(term)] : [];
  });
  return terms.sort((a, b) => (a < b ? -1 : 1));
}

/** What starts of earlier terms left half written, as on a full disk. */
async function removeUnfinished(path: string, term: bigint): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const of = name.startsWith(prefix) ? /^([1-9][0-9]*)\.next$/.exec(name.slice(prefix.length)) : null;
    if (of !== null && BigInt(of[1]!) < term) await rm(join(dirname(path), name), { force: true });
  }
}

function fileOf(path: string, term: bigint): string {
  return term === 0n ? path : join(dirname(path), `${basename(path)}.${term}`);
}

function recordOf(entry: SignerLogEntry): Uint8Array {
  const bytes = encode(EntryCodec, entry);
  const described = concatBytes(u32be(bytes.length), sha256(bytes).subarray(0, CHECKSUM_BYTES));
  return concatBytes(described, headerCheckOf(described), bytes);
}

function headerCheckOf(described: Uint8Array): Uint8Array {
  return sha256(described).subarray(0, HEADER_CHECK_BYTES);
}

/** The entries; undefined if the file is damaged. */
function readEntries(file: Uint8Array): SignerLogEntry[] | undefined {
  const entries: SignerLogEntry[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = 0;
  while (at < file.length) {
    const body = at + HEADER_BYTES;
    if (body > file.length) return entries;
    const described = file.subarray(at, body - HEADER_CHECK_BYTES);
    if (!bytesEqual(headerCheckOf(described), file.subarray(body - HEADER_CHECK_BYTES, body)))
      return undefined;
    const end = body + view.getUint32(at);
    if (end - body > MAX_ENTRY_BYTES) return undefined;
    if (end > file.length) return entries;
    const bytes = file.subarray(body, end);
    const isWhole = bytesEqual(sha256(bytes).subarray(0, CHECKSUM_BYTES), described.subarray(4));
    const entry = isWhole ? decodeExact(EntryCodec, bytes, MAX_ENTRY_BYTES) : undefined;
    // Sectors may reach the disk out of order: a whole length with a torn body, at the very end, was not synced.
    if (entry?.ok !== true) return end === file.length ? entries : undefined;
    entries.push(entry.value);
    at = end;
  }
  return entries;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync();
  await handle.close();
}
