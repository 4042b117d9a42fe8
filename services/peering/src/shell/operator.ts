import type { Ed25519Key } from "@soma/crypto/native";
import { EncoderKeys, loadKeyFile, ValidatorKeys } from "@soma/identity";
import type { Hex32 } from "@soma/protocol";
import type { PeerKind } from "../core/message-types.ts";

/** The operator that this process speaks for. */
export interface Operator {
  readonly id: Hex32;
  readonly kind: PeerKind;
  /** Its key on the roster. */
  readonly key: Ed25519Key;
}

/** @throws SomaError KEY_FILE_*; an account's key is none of an operator */
export function loadOperator(path: string): Operator {
  const { kind, seed } = loadKeyFile(path);
  if (kind === "validator") {
    const keys = new ValidatorKeys(seed);
    return { id: keys.account.address, kind, key: keys.block };
  }
  const keys = new EncoderKeys(loadKeyFile(path, "encoder").seed);
  return { id: keys.account.address, kind: "encoder", key: keys.message };
}
