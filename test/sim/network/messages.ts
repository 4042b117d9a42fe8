import type { CertifiedCheckpoint, Digest, Hex32, LedgerUpdate } from "@soma/protocol";

/** What operators and clients send one another beside blocks. Whoever sends is proved by the transport. */
export type NetworkMessage =
  | { readonly type: "transaction"; readonly bytes: Uint8Array }
  /** A committee member's signature over its own checkpoint (LEDGER-5). */
  | {
      readonly type: "share";
      readonly sequence: bigint;
      readonly digest: Digest;
      readonly signature: Uint8Array;
    }
  /** DESIGN section 4: a signed override, and who is halted and wants one. */
  | { readonly type: "override"; readonly bytes: Uint8Array }
  | { readonly type: "ask-override"; readonly commit: bigint }
  | { readonly type: "ask-certificates"; readonly after: bigint }
  | { readonly type: "certificates"; readonly certificates: readonly CertifiedCheckpoint[] }
  | { readonly type: "ask-updates"; readonly after: bigint }
  | { readonly type: "updates"; readonly updates: readonly LedgerUpdate[] }
  | { readonly type: "ask-account"; readonly address: string }
  /** Believed for nothing but the next sequence number to try. */
  | {
      readonly type: "account";
      readonly address: string;
      readonly sequence: bigint;
      readonly epoch: bigint;
    }
  /** An envelope: signed by `sender`, for `to`, whoever carries it. */
  | { readonly type: "peer"; readonly sender: Hex32; readonly to: Hex32; readonly body: Uint8Array }
  | { readonly type: "put-blob"; readonly bytes: Uint8Array }
  | { readonly type: "ask-blob"; readonly hash: Hex32 }
  | { readonly type: "blob"; readonly hash: Hex32; readonly bytes: Uint8Array | null };
