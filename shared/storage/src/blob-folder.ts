import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** An operator's own blobs by SHA-256 in a folder that its services share. Nothing here is served to others. */
export class BlobFolder {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<BlobFolder> {
    await mkdir(folder, { recursive: true });
    return new BlobFolder(folder);
  }

  /**
   * Puts bytes and returns their hash; readable, whole, when it resolves. Nobody waits for the disk: after a power cut they
   * may be gone or spoilt, which `get` sees. Everything here can be had again.
   */
  async put(bytes: Uint8Array): Promise<string> {
    const hash = createHash("sha256").update(bytes).digest("hex");
    const path = this.#path(hash);
    if (await this.has(hash)) return hash;
    await mkdir(join(this.#folder, hash.slice(0, 2)), { recursive: true });
    const partial = `${path}.${randomUUID()}`;
    try {
      await writeFile(partial, bytes, { flag: "wx" });
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return hash;
  }

  async has(hash: string): Promise<boolean> {
    return (await stat(this.#path(hash)).catch(() => undefined)) !== undefined;
  }

  /** The bytes under a hash; undefined if they are not here. What is no longer what it was is removed. */
  async get(hash: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(this.#path(hash), hash);
    if (bytes !== "spoilt") return bytes;
    await this.#removeSpoilt(hash);
    return undefined;
  }

  async #read(path: string, hash: string): Promise<Uint8Array | "spoilt" | undefined> {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) return undefined;
    return createHash("sha256").update(bytes).digest("hex") === hash ? new Uint8Array(bytes) : "spoilt";
  }

  /** So that it can be put again. Moved aside first: somebody may just have put good bytes in its place. */
  async #removeSpoilt(hash: string): Promise<void> {
    const path = this.#path(hash);
    const aside = `${path}.${randomUUID()}`;
    const isMoved = await rename(path, aside).then(
      () => true,
      () => false,
    );
    if (!isMoved) return;
    if ((await this.#read(aside, hash)) === "spoilt") await rm(aside, { force: true });
    else await rename(aside, path).catch(() => {});
  }

  /** Bytes that nobody here needs any more; none under the hash is as good. */
  async remove(hash: string): Promise<void> {
    await rm(this.#path(hash), { force: true });
  }

  /** Removes what has not been written for `ageMs`. Returns how many. */
  async prune(ageMs: number, nowMs = Date.now()): Promise<number> {
    let removed = 0;
    for (const shelf of await readdir(this.#folder)) {
      for (const name of await readdir(join(this.#folder, shelf)).catch((): string[] => [])) {
        const path = join(this.#folder, shelf, name);
        const info = await stat(path).catch(() => undefined);
        if (info === undefined || nowMs - info.mtimeMs <= ageMs) continue;
        await rm(path, { force: true });
        removed++;
      }
    }
    return removed;
  }

  #path(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash);
  }
}
