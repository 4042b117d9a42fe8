import { type Authenticator, usernamePasswordAuthenticator } from "@nats-io/nats-core";
import { encode } from "@nats-io/nkeys";
import { SomaError } from "@soma/base";
import { NkeyPair } from "./nkey-pair.ts";

/** How a connection proves who it is. The functions are asked again at each reconnect. */
export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  /** The contents of a `.creds` file. */
  | { readonly kind: "creds"; readonly read: () => Uint8Array }
  /** A seed of the server's own list of users. */
  | { readonly kind: "nkey"; readonly seed: Uint8Array }
  /** A short-lived user JWT for an nkey, as an edge issues it to a peer. */
  | { readonly kind: "jwt"; readonly jwt: () => string; readonly seed: Uint8Array };

// The library has authenticators for all of these; they sign by its own pair, see NkeyPair.
export function authenticatorFor(credentials: Credentials): Authenticator {
  switch (credentials.kind) {
    case "password":
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case "creds":
      return (nonce) => {
        const { jwt, seed } = parseCredentials(credentials.read());
        return { jwt, ...answer(seed, nonce) };
      };
    case "nkey":
      return (nonce) => answer(credentials.seed, nonce);
    case "jwt":
      return (nonce) => ({ jwt: credentials.jwt(), ...answer(credentials.seed, nonce) });
  }
}

function answer(seed: Uint8Array, nonce: string | undefined): { nkey: string; sig: string } {
  const pair = NkeyPair.fromSeed(seed);
  const sig = nonce ? encode(pair.sign(new TextEncoder().encode(nonce))) : "";
  return { nkey: pair.getPublicKey(), sig };
}

/** The two blocks of a `.creds` file. @throws SomaError BUS_CREDENTIALS */
function parseCredentials(file: Uint8Array): { jwt: string; seed: Uint8Array } {
  const blocks = /-{3,}[^\n]*-{3,}\r?\n(.+?)\r?\n\s*-{3,}[^\n]*-{3,}/g;
  const [jwt, seed] = [...Buffer.from(file).toString("utf8").matchAll(blocks)].map(([, text]) =>
    text!.trim(),
  );
  if (jwt === undefined || seed === undefined)
    throw new SomaError("BUS_CREDENTIALS", "not the contents of a .creds file with credentials");
  return { jwt, seed: new TextEncoder().encode(seed) };
}
