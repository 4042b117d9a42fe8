import { mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Address, Digest } from "@soma/protocol";
import { tryLock } from "fs-native-extensions";
import pRetry from "p-retry";

/** Runs something while nobody else on this machine has the turn. */
export type Turn = <T>(run: () => Promise<T>) => Promise<T>;

/** Everybody at once: for those who are alone with their account. */
export const noTurn: Turn = (run) => run();

/** Milliseconds that a turn is waited for: longer than whoever has it takes over one transaction. */
const TURN_WITHIN_MS = 60_000;

export interface AccountTurnsOptions {
  /** Where the lock files are; all who shall take turns name the same. */
  readonly folder: string;
  readonly genesis: Digest;
  readonly account: Address;
  readonly withinMs?: number;
}

/**
 * Has commands of one machine take turns with an account on a network, each from reading its sequence number to the
 * execution of the transaction. The lock is the kernel's: it ends with the process that has it, however that ends.
 * It is a courtesy, since the ledger takes a sequence number once in any case: where there can be no lock, or none
 * comes free in time, things go on without it.
 */
export function accountTurns({ folder, genesis, account, withinMs }: AccountTurnsOptions): Turn {
  const path = join(folder, `${genesis.slice(0, 16)}-${account}.lock`);
  return async (run) => {
    const file = await openLock(folder, path);
    if (file === undefined) return run();
    try {
      await lock(file, withinMs ?? TURN_WITHIN_MS).catch(() => undefined);
      return await run();
    } finally {
      await file.close();
    }
  };
}

async function openLock(folder: string, path: string): Promise<FileHandle | undefined> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return await open(path, "a", 0o600);
  } catch {
    return undefined;
  }
}

function lock(file: FileHandle, withinMs: number): Promise<void> {
  const attempt = () => {
    if (!tryLock(file.fd)) throw new Error("another one has the turn");
  };
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 25,
    factor: 1,
    randomize: true,
    maxRetryTime: withinMs,
  });
}
