import { readFileSync } from "node:fs";
import { SomaError } from "@soma/base";
import { list, text } from "@soma/config";
import { decodeGenesis, type Genesis } from "@soma/protocol";

/** Variables that every service of an operator reads alike; spread those that a service needs into its own. */
export const OPERATOR_VARIABLES = {
  keyFile: { is: text(), env: "SOMA_KEY_FILE", doc: "Path of the operator's key file (soma key new)." },
  genesis: { is: text(), env: "SOMA_GENESIS", doc: "Path of the network's genesis file." },
  data: { is: text(), env: "SOMA_DATA", doc: "Folder for the operator's files: blobs, signer log, caches." },
} as const;

/** For services that connect to where other operators say that they are. */
export const PEER_NETWORKS = {
  is: list(),
  default: "",
  env: "SOMA_PEER_NETWORKS",
  doc: "Networks (10.0.0.0/8) that are not public and in which other operators' gateways and edges may be.",
} as const;

/** @throws SomaError GENESIS_MISSING, GENESIS_MALFORMED */
export function loadGenesis(path: string): Genesis {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new SomaError("GENESIS_MISSING", `cannot read the genesis file ${path}`, {}, { cause });
  }
  const genesis = decodeGenesis(bytes);
  if (!genesis.ok)
    throw new SomaError("GENESIS_MALFORMED", `${path} is not a genesis file: ${genesis.message}`);
  return genesis.value;
}
