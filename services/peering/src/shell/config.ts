import { bytes, type Config, defineConfig, duration, integer, list, text, url } from "@soma/config";
import { OPERATOR_VARIABLES, PEER_NETWORKS } from "@soma/identity";

const { keyFile, genesis, data } = OPERATOR_VARIABLES;

export const PeeringConfig = defineConfig("peering", {
  keyFile,
  genesis,
  peerNetworks: PEER_NETWORKS,
  data: {
    ...data,
    default: null,
    doc: "Folder for the operator's files; without one, a restart after the clock was set back has peers refuse envelopes.",
  },
  peers: {
    is: list(),
    default: "",
    env: "SOMA_PEERS",
    doc: "Gateways of the validators to link with, as URL or <operator id>@<URL>; empty: as the roster implies.",
  },
  edgeAccount: {
    is: text(),
    default: null,
    doc: "Path of edge-account.json, with which peers are admitted. Validators need it.",
  },
  edgeAddress: {
    is: url(["nats", "tls"]),
    default: null,
    doc: "Where peers reach this operator's edge; default: the roster's address, without TLS.",
  },
  edgeUrl: {
    is: url(["nats", "tls"]),
    default: null,
    doc: "Where this service reaches the edge; default: SOMA_PEERING_EDGE_ADDRESS.",
  },
  edgeCa: {
    is: text(),
    default: null,
    doc: "Path of the PEM with the authorities of the edge's certificate; peers are told it.",
  },
  admissionLifetime: { is: duration(), default: "1h", doc: "Lifetime of a peer's credential." },
  canaryInterval: { is: duration(), default: "2s", doc: "Time between canaries on each link." },
  silentAfter: { is: duration(), default: "7s", doc: "A link not heard for so long raises the alarm." },
  lostAfter: {
    is: duration(),
    default: "15s",
    doc: "A link not heard for so long is given up and dialled anew.",
  },
  replayTolerance: {
    is: duration(),
    default: "10m",
    doc: "After a start, envelopes older than this are refused: how far operators' clocks may differ.",
  },
  verifyThreads: {
    is: integer({ min: 0, max: 64 }),
    default: "0",
    doc: "Threads that verify signatures; 0 verifies on the main thread, cheaper below some thousand a second.",
  },
  validatorMessages: {
    is: integer({ min: 1 }),
    default: "2000",
    doc: "Messages a second from one validator.",
  },
  validatorBytes: { is: bytes(), default: "64MiB", doc: "Bytes a second from one validator." },
  encoderMessages: { is: integer({ min: 1 }), default: "200", doc: "Messages a second from one encoder." },
  encoderBytes: { is: bytes(), default: "8MiB", doc: "Bytes a second from one encoder." },
  strikes: { is: integer({ min: 1 }), default: "5", doc: "Bad signatures within a minute that ban a peer." },
  ban: { is: duration(), default: "5m", doc: "Time for which a peer is banned." },
  queueMessages: { is: integer({ min: 1 }), default: "4096", doc: "Messages that may wait for one peer." },
  queueBytes: { is: bytes(), default: "32MiB", doc: "Bytes that may wait for one peer." },
});
export type PeeringConfig = Config<typeof PeeringConfig>;
