import { homedir } from "node:os";
import { join } from "node:path";
import { accountTurns, type Turn } from "@soma/client";
import type { AccountKey } from "@soma/identity";
import { type Genesis, genesisDigest } from "@soma/protocol";

/** The turn that this user's commands take with an account; its lock files stand in `$SOMA_CACHE/turns`. */
export function turnOf(genesis: Genesis, account: AccountKey): Turn {
  const cache = process.env["SOMA_CACHE"] || join(homedir(), ".cache/soma");
  const folder = join(cache, "turns");
  return accountTurns({ folder, genesis: genesisDigest(genesis), account: account.address });
}
