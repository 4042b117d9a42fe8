import { encodeUser } from "@nats-io/jwt";
import { fromPublic } from "@nats-io/nkeys";
import { err, ok, type Result } from "@soma/base";
import { EdgeDown, EdgeUp } from "@soma/contracts";
import { type Hex32, MAX_ENVELOPE_BYTES } from "@soma/protocol";
import { NkeyPair } from "@soma/runtime/nkey";

/** With this, peering issues credentials for the edge, and for nothing else. */
export interface EdgeAccount {
  /** Public nkey of the account EDGE. */
  readonly account: string;
  /** Seed of a key that may sign the account's users. */
  readonly signingSeed: string;
}

/** Room for a trace context in a message's headers. */
const HEADER_BYTES = 1024;
/** A peer needs one subscription; a second lets it replace the first. */
const PEER_SUBSCRIPTIONS = 2;
const UNLIMITED = -1;

interface UserKeys {
  readonly jwt: string;
  readonly seed: Uint8Array;
}

/** Whether this is a public nkey of a user, checksum included. */
export function checkUserKey(userKey: string): Result<string> {
  try {
    const canonical = fromPublic(userKey).getPublicKey();
    if (canonical === userKey && userKey.startsWith("U")) return ok(userKey);
  } catch {
    // What cannot be decoded is refused below.
  }
  return err("ADMISSION_KEY", "not a user's public nkey");
}

/**
 * A credential for one peer: it publishes under its own name, reads what is addressed to it, may not answer, and ends
 * at `expiresAtMs`, a whole second.
 */
export function issuePeerJwt(
  edge: EdgeAccount,
  grant: { operator: Hex32; peer: Hex32; userKey: string; expiresAtMs: number },
): Promise<string> {
  const { operator, peer, userKey, expiresAtMs } = grant;
  return encodeUser(
    `peer-${peer}`,
    userKey,
    edge.account,
    {
      pub: { allow: [EdgeUp.subjectFor("edge", { peer })] },
      sub: { allow: [EdgeDown.subjectFor("edge", { operator, peer })] },
      subs: PEER_SUBSCRIPTIONS,
      data: UNLIMITED,
      payload: MAX_ENVELOPE_BYTES + HEADER_BYTES,
      bearer_token: false,
      allowed_connection_types: ["STANDARD"],
    },
    { signer: signer(edge), exp: Math.floor(expiresAtMs / 1000) },
  );
}

/** A credential for peering itself: it reads what all peers publish and writes to each. It lives as long as the process. */
export async function issueBridgeJwt(edge: EdgeAccount, operator: Hex32): Promise<UserKeys> {
  const user = NkeyPair.create("user");
  const jwt = await encodeUser(
    "peering",
    user,
    edge.account,
    {
      pub: { allow: [EdgeDown.filter("edge", { operator })] },
      sub: { allow: [EdgeUp.filter("edge")] },
      subs: UNLIMITED,
      data: UNLIMITED,
      payload: UNLIMITED,
      allowed_connection_types: ["STANDARD"],
    },
    { signer: signer(edge) },
  );
  return { jwt, seed: user.getSeed() };
}

function signer(edge: EdgeAccount) {
  return NkeyPair.fromSeed(new TextEncoder().encode(edge.signingSeed));
}
