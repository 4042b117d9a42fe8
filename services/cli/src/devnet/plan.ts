import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  AccountKey,
  createKeyFile,
  EncoderKeys,
  type KeyKind,
  loadKeyFile,
  ValidatorKeys,
} from "@soma/identity";
import type { Hex32 } from "@soma/protocol";
import { modelFolders } from "./governed-files.ts";

/** Services of a validator's operator; the order is that of start. */
export const VALIDATOR_SERVICES = [
  "state",
  "rewards",
  "mempool",
  "consensus",
  "peering",
  "shard-selection",
  "pool",
  "gateway",
] as const;
/** Services of an encoder's operator. */
export const ENCODER_SERVICES = ["peering", "scorer", "encoder"] as const;

export interface OperatorPlan {
  readonly kind: "validator" | "encoder";
  /** v0, v1, ..., e0, e1, ...: names of folders, databases and log files on this machine only. */
  readonly name: string;
  readonly id: Hex32;
  readonly folder: string;
  readonly keyFile: string;
  readonly services: readonly string[];
  /** Loopback port of its nats-server: services inside, and for a validator the edge. */
  readonly natsPort: number;
  /** Loopback port of its gateway; undefined for an encoder. */
  readonly gatewayPort: number | undefined;
  /** Model folder of an encoder. */
  readonly model: string | undefined;
}

export interface DevnetPlan {
  readonly folder: string;
  readonly chainId: string;
  readonly genesisFile: string;
  readonly postgresPort: number;
  readonly operators: readonly OperatorPlan[];
  /** The account that pays for the demo's jobs; `soma` commands use it unless told otherwise. */
  readonly walletFile: string;
}

export interface DevnetOptions {
  readonly folder: string;
  readonly validators: number;
  readonly encoders: number;
  /** First of the loopback ports; about 2 x operators follow. */
  readonly basePort: number;
}

function keyFile(path: string, kind: KeyKind): string {
  if (!existsSync(path)) createKeyFile(path, kind);
  return loadKeyFile(path, kind).seed;
}

export function genesisFileOf(folder: string): string {
  return join(folder, "genesis.bin");
}

/** Lays out a network of one machine in `folder`, making what keys are missing. The same folder gives the same plan. */
export function planDevnet(options: DevnetOptions): DevnetPlan {
  const { folder, basePort } = options;
  const models = modelFolders();
  let port = basePort;
  const postgresPort = port++;
  const operators: OperatorPlan[] = [];
  const add = (kind: "validator" | "encoder", index: number) => {
    const name = `${kind[0]}${index}`;
    const own = join(folder, name);
    const path = join(own, "key.json");
    const seed = keyFile(path, kind);
    const keys = kind === "validator" ? new ValidatorKeys(seed) : new EncoderKeys(seed);
    operators.push({
      kind,
      name,
      id: keys.account.address,
      folder: own,
      keyFile: path,
      services: kind === "validator" ? VALIDATOR_SERVICES : ENCODER_SERVICES,
      natsPort: port++,
      gatewayPort: kind === "validator" ? port++ : undefined,
      model: kind === "encoder" ? models[index % models.length] : undefined,
    });
  };
  for (let i = 0; i < options.validators; i++) add("validator", i);
  for (let i = 0; i < options.encoders; i++) add("encoder", i);
  const walletFile = join(folder, "wallet.json");
  AccountKey.fromSeed(keyFile(walletFile, "account"));
  return {
    folder,
    chainId: "soma-devnet",
    genesisFile: genesisFileOf(folder),
    postgresPort,
    operators,
    walletFile,
  };
}
