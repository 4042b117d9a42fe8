import type { PeerMessageType } from "@soma/protocol";

export type PeerKind = "validator" | "encoder";

/** What encoder operators send and read; everything else is among validators. */
const OPEN: ReadonlySet<PeerMessageType> = new Set([
  "canary",
  "ledger-update",
  "ledger-request",
  "job-message",
]);

/** Superseded by what comes after: the oldest goes first when a peer is slow. */
const LIVE: ReadonlySet<PeerMessageType> = new Set([
  "canary",
  "block",
  "checkpoint-signature",
  "ledger-update",
]);

/** Whether an operator of this kind sends and reads messages of this type. */
export function mayExchange(kind: PeerKind, type: PeerMessageType): boolean {
  return kind === "validator" || OPEN.has(type);
}

export function isLive(type: PeerMessageType): boolean {
  return LIVE.has(type);
}
