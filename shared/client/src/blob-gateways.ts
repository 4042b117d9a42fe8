import { createHash } from "node:crypto";
import type { Hex32 } from "@soma/protocol";

/**
 * Gateways in the order in which a blob is put on them and asked for. Each blob has its own (rendezvous hashing): who
 * puts it and who asks begin with the same ones, and no gateway is everybody's first.
 */
export function blobGateways(gateways: readonly string[], hash: Hex32): string[] {
  const keyOf = (gateway: string): string =>
    createHash("sha256")
      .update(`${hash} ${gateway.replace(/\/+$/, "")}`)
      .digest("hex");
  return gateways
    .map((gateway) => ({ gateway, key: keyOf(gateway) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ gateway }) => gateway);
}
