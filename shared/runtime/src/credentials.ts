import {
  type Authenticator,
  credsAuthenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";

/** How a connection proves who it is. The functions are asked again at each reconnect. */
export type Credentials =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  /** The contents of a `.creds` file. */
  | { readonly kind: "creds"; readonly read: () => Uint8Array }
  /** A seed of the server's own list of users. */
  | { readonly kind: "nkey"; readonly seed: Uint8Array }
  /** A short-lived user JWT for an nkey, as an edge issues it to a peer. */
  | { readonly kind: "jwt"; readonly jwt: () => string; readonly seed: Uint8Array };

export function authenticatorFor(credentials: Credentials): Authenticator {
  switch (credentials.kind) {
    case "password":
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case "creds":
      return credsAuthenticator(credentials.read);
    case "nkey":
      return nkeyAuthenticator(credentials.seed);
    case "jwt":
      return jwtAuthenticator(credentials.jwt, credentials.seed);
  }
}
