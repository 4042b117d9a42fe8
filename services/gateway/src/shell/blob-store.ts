import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, type ReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SomaError } from "@soma/base";

export interface BlobStoreOptions {
  readonly folder: string;
  readonly maxBlobBytes: number;
  readonly maxTotalBytes: number;
  readonly maxAgeMs: number;
  /** Age at which a blob goes to which nobody refers. */
  readonly unclaimedAgeMs: number;
  /** Time in which an upload must have arrived: what is older and not whole was left by a process that was killed. */
  readonly incomingAgeMs: number;
  /** Those of some blobs to which somebody refers. */
  readonly claimed: (hashes: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Blobs that may be on their way in at once. */
  readonly maxIncoming: number;
}

const CLAIMS_AT_ONCE = 1_000;

/** Blobs by SHA-256 in a folder. A blob is visible only when it is whole and its hash is right. */
export class BlobStore {
  readonly #options: BlobStoreOptions;
  #incoming = 0;
  /** Bytes taken since the last pruning. */
  #unpruned = 0;
  #pruning: Promise<number> | undefined;

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    await mkdir(join(options.folder, "incoming"), { recursive: true });
    return new BlobStore(options);
  }

  /** True if the blob was new. @throws SomaError GATEWAY_BLOB_TOO_LARGE, GATEWAY_BLOB_HASH, GATEWAY_BUSY */
  async put(hash: string, source: NodeJS.ReadableStream): Promise<boolean> {
    if (await this.#touch(hash)) {
      source.resume();
      return false;
    }
    if (this.#incoming >= this.#options.maxIncoming) {
      throw new SomaError("GATEWAY_BUSY", "too many blobs are on their way in already");
    }
    const incoming = join(this.#options.folder, "incoming", randomUUID());
    const digest = createHash("sha256");
    let size = 0;
    const bounded = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        size += chunk.length;
        if (size > this.#options.maxBlobBytes) {
          done(
            new SomaError("GATEWAY_BLOB_TOO_LARGE", `a blob has at most ${this.#options.maxBlobBytes} bytes`),
          );
          return;
        }
        digest.update(chunk);
        done(null, chunk);
      },
    });
    this.#incoming++;
    try {
      await pipeline(source, bounded, createWriteStream(incoming));
      if (digest.digest("hex") !== hash) {
        throw new SomaError("GATEWAY_BLOB_HASH", "the content does not have the hash that names it");
      }
      await mkdir(join(this.#options.folder, hash.slice(0, 2)), { recursive: true });
      await rename(incoming, this.#path(hash));
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    } finally {
      this.#incoming--;
    }
    this.#unpruned += size;
    // Between the regular prunings a flood must not fill the disk.
    if (this.#unpruned > this.#options.maxTotalBytes / 4) await this.prune(Date.now());
    return true;
  }

  /** A blob that may be read, even if it is removed meanwhile; undefined if it is not here. */
  async read(hash: string): Promise<{ readonly size: number; readonly stream: ReadStream } | undefined> {
    const file = await open(this.#path(hash)).catch(() => undefined);
    if (file === undefined) return undefined;
    const { size } = await file.stat();
    return { size, stream: file.createReadStream() };
  }

  /** Bytes of a blob that is here. */
  async sizeOf(hash: string): Promise<number | undefined> {
    return (await stat(this.#path(hash)).catch(() => undefined))?.size;
  }

  /** Makes a blob new again; false if it is not here. */
  renew(hash: string): Promise<boolean> {
    return this.#touch(hash);
  }

  /**
   * Removes what is too old or was never whole, and what nobody refers to; then, until the rest fits, the oldest of what
   * nobody refers to yet, and last the oldest of all. Returns the number of blobs removed.
   */
  prune(nowMs: number): Promise<number> {
    this.#pruning ??= this.#prune(nowMs).finally(() => {
      this.#pruning = undefined;
    });
    return this.#pruning;
  }

  async #prune(nowMs: number): Promise<number> {
    this.#unpruned = 0;
    const found: { name: string; path: string; size: number; at: number }[] = [];
    for (const shelf of await readdir(this.#options.folder)) {
      if (shelf.length !== 2) continue;
      for (const name of await readdir(join(this.#options.folder, shelf))) {
        const path = join(this.#options.folder, shelf, name);
        const info = await stat(path).catch(() => undefined);
        if (info !== undefined) found.push({ name, path, size: info.size, at: info.mtimeMs });
      }
    }
    const { maxAgeMs, unclaimedAgeMs, maxTotalBytes } = this.#options;
    const isFull = found.reduce((sum, { size }) => sum + size, 0) > maxTotalBytes;
    // Who is claimed matters of the young only if some of them must go.
    const asked = isFull ? found : found.filter(({ at }) => nowMs - at > unclaimedAgeMs);
    const unclaimed = await this.#unclaimed(asked.map(({ name }) => name));
    // What a job paid for stays before anything that is newer and nobody's.
    const rank = ({ name }: { name: string }) => (unclaimed.has(name) ? 1 : 0);
    found.sort((a, b) => rank(a) - rank(b) || b.at - a.at);
    let total = 0;
    let removed = 0;
    for (const blob of found) {
      const ageMs = nowMs - blob.at;
      const isOld = ageMs > maxAgeMs || (ageMs > unclaimedAgeMs && unclaimed.has(blob.name));
      if (!isOld) total += blob.size;
      if (!isOld && total <= maxTotalBytes) continue;
      await rm(blob.path, { force: true });
      removed++;
    }
    await this.#pruneIncoming(nowMs);
    return removed;
  }

  /** Another replica may be at work on what is young. */
  async #pruneIncoming(nowMs: number): Promise<void> {
    const folder = join(this.#options.folder, "incoming");
    for (const name of await readdir(folder)) {
      const info = await stat(join(folder, name)).catch(() => undefined);
      if (info === undefined || nowMs - info.mtimeMs <= this.#options.incomingAgeMs) continue;
      await rm(join(folder, name), { force: true });
    }
  }

  async #unclaimed(names: readonly string[]): Promise<ReadonlySet<string>> {
    const unclaimed = new Set(names);
    for (let at = 0; at < names.length; at += CLAIMS_AT_ONCE) {
      for (const name of await this.#options.claimed(names.slice(at, at + CLAIMS_AT_ONCE))) {
        unclaimed.delete(name);
      }
    }
    return unclaimed;
  }

  /** Makes a blob that is here new again. */
  #touch(hash: string): Promise<boolean> {
    const now = new Date();
    return utimes(this.#path(hash), now, now).then(
      () => true,
      () => false,
    );
  }

  #path(hash: string): string {
    return join(this.#options.folder, hash.slice(0, 2), hash);
  }
}
