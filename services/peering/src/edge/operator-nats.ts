import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { type NatsPermissions, registry } from "@soma/contracts";
import { MAX_ENVELOPE_BYTES } from "@soma/protocol";
import { NkeyPair } from "@soma/runtime/nkey";
import type { EdgeAccount } from "./edge-account.ts";

/** Room for headers beside the largest payload; the server counts both. */
const HEADER_BYTES = 16 * 1024;
const EDGE_MAX_PAYLOAD = MAX_ENVELOPE_BYTES + HEADER_BYTES;
/** Services may send each other more than peers may. */
const INSIDE_MAX_PAYLOAD = 4 * 1024 * 1024;
/** A user's token lists its permissions and goes out in one line; the server's default of 4 KiB is too short for some. */
const CONTROL_LINE = 32 * 1024;
/** A responder may be slow, but not for ever: nanoseconds, as the server counts. */
const RESPONSE_TTL = 300 * 1e9;
const UNLIMITED = -1;

/** The seeds from which everything else is made; whoever has them is the operator's NATS. */
export interface OperatorNatsKeys {
  readonly operator: string;
  readonly system: string;
  readonly inside: string;
  readonly edge: string;
  readonly edgeSigning: string;
  /** By service. */
  readonly users: Readonly<Record<string, string>>;
}

export interface OperatorNatsOptions {
  /** Stands in the tokens, for a person. */
  readonly name: string;
  readonly network: string;
  /** Each gets a user that may do what the registry of messages implies, and nothing else. */
  readonly services: readonly string[];
  readonly keys: OperatorNatsKeys;
  /** Connections that all peers together may hold at the edge. */
  readonly edgeConnections?: number;
}

/** The NATS of one operator: what its servers are told, and what its services connect with. */
export interface OperatorNats {
  /**
   * Settings of a server in operator mode with the accounts INSIDE (services, JetStream) and EDGE (peers). One server
   * may carry both, as on a laptop; in production each has its own.
   */
  settings(accounts?: readonly ("inside" | "edge")[]): Record<string, unknown>;
  /** Contents of a `.creds` file by service. */
  readonly credentials: Readonly<Record<string, Uint8Array>>;
  /** What peering needs to admit peers. */
  readonly edgeAccount: EdgeAccount;
}

/** New seeds; those in `known` stay as they are. */
export function createNatsKeys(
  services: readonly string[],
  known: Partial<OperatorNatsKeys> = {},
): OperatorNatsKeys {
  const users = services.map((service) => [service, known.users?.[service] ?? newSeed("user")] as const);
  return {
    operator: known.operator ?? newSeed("operator"),
    system: known.system ?? newSeed("account"),
    inside: known.inside ?? newSeed("account"),
    edge: known.edge ?? newSeed("account"),
    edgeSigning: known.edgeSigning ?? newSeed("account"),
    users: { ...known.users, ...Object.fromEntries(users) },
  };
}

/** Makes the tokens of an operator's NATS from its keys. */
export async function operatorNats(options: OperatorNatsOptions): Promise<OperatorNats> {
  const { keys, name, network, services, edgeConnections = 1024 } = options;
  const operator = pair(keys.operator);
  const system = pair(keys.system);
  const inside = pair(keys.inside);
  const edge = pair(keys.edge);
  const edgeSigning = pair(keys.edgeSigning);
  const signedBy = { signer: operator };
  const jwts = {
    operator: await encodeOperator(name, operator, { system_account: system.getPublicKey() }),
    system: await encodeAccount("SYS", system, { limits: limits({}) }, signedBy),
    inside: await encodeAccount(
      "INSIDE",
      inside,
      { limits: limits({ mem_storage: UNLIMITED, disk_storage: UNLIMITED }) },
      signedBy,
    ),
    edge: await encodeAccount(
      "EDGE",
      edge,
      {
        signing_keys: [edgeSigning.getPublicKey()],
        limits: limits({
          conn: edgeConnections,
          subs: 8 * edgeConnections,
          payload: EDGE_MAX_PAYLOAD,
          imports: 0,
          exports: 0,
          wildcards: false,
        }),
      },
      signedBy,
    ),
  };
  const credentials: Record<string, Uint8Array> = {};
  for (const service of services) {
    const user = pair(keys.users[service]!);
    const permissions = userPermissions(registry.permissions(service, network));
    credentials[service] = fmtCreds(await encodeUser(service, user, inside, permissions), user);
  }
  return {
    credentials,
    edgeAccount: { account: edge.getPublicKey(), signingSeed: keys.edgeSigning },
    settings(accounts = ["inside", "edge"]) {
      return {
        operator: jwts.operator,
        system_account: system.getPublicKey(),
        resolver: "MEMORY",
        resolver_preload: {
          [system.getPublicKey()]: jwts.system,
          ...(accounts.includes("inside") ? { [inside.getPublicKey()]: jwts.inside } : {}),
          ...(accounts.includes("edge") ? { [edge.getPublicKey()]: jwts.edge } : {}),
        },
        ...(accounts.includes("inside")
          ? { max_payload: INSIDE_MAX_PAYLOAD, max_control_line: CONTROL_LINE }
          : // A peer that does not read is cut off before it costs memory.
            { max_payload: EDGE_MAX_PAYLOAD, max_pending: 16 * 1024 * 1024, write_deadline: "5s" }),
      };
    },
  };
}

function limits(given: Record<string, number | boolean>): Record<string, number | boolean> {
  return {
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
    imports: UNLIMITED,
    exports: UNLIMITED,
    wildcards: true,
    conn: UNLIMITED,
    leaf: 0,
    mem_storage: 0,
    disk_storage: 0,
    streams: UNLIMITED,
    consumer: UNLIMITED,
    ...given,
  };
}

/** What the registry implies, without what lives at an edge: that is another account's. */
function userPermissions(permissions: NatsPermissions) {
  const inside = (subjects: readonly string[]) => allow(subjects.filter((s) => !s.startsWith("net.")));
  return {
    pub: inside(permissions.publish),
    sub: inside(permissions.subscribe),
    ...(permissions.allowResponses ? { resp: { max: 1, ttl: RESPONSE_TTL } } : {}),
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
  };
}

/** An empty list of what is allowed would allow everything. */
function allow(subjects: readonly string[]) {
  return subjects.length > 0 ? { allow: [...subjects] } : { deny: [">"] };
}

function pair(seed: string): NkeyPair {
  return NkeyPair.fromSeed(new TextEncoder().encode(seed));
}

function newSeed(kind: "operator" | "account" | "user"): string {
  return new TextDecoder().decode(NkeyPair.create(kind).getSeed());
}
