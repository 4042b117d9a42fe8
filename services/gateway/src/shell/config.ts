import { bytes, choice, defineConfig, duration, integer, list, text } from "@soma/config";
import { OPERATOR_VARIABLES } from "@soma/identity";

export const GatewayConfig = defineConfig("gateway", {
  ...OPERATOR_VARIABLES,
  host: { is: text(), default: "127.0.0.1", doc: "Address to listen on." },
  port: { is: integer({ min: 0, max: 65535 }), doc: "HTTP port; 0 picks a free one." },
  blobBytes: { is: bytes(), default: "64MiB", doc: "Largest blob that is taken." },
  blobTotalBytes: { is: bytes(), default: "4GiB", doc: "Disk for blobs; the oldest go first." },
  blobUploads: {
    is: integer({ min: 1, max: 10_000 }),
    default: "32",
    doc: "Blobs that may be on their way in at once; more are refused for the moment.",
  },
  blobAge: { is: duration(), default: "24h", doc: "Blobs older than this are removed." },
  blobUnclaimedAge: {
    is: duration(),
    default: "1h",
    doc: "Blobs to which no job refers are removed after this.",
  },
  blobUnclaimedBytes: {
    is: bytes(),
    default: "1GiB",
    doc: "Bytes of one client's blobs to which no job refers; more are refused until they expire.",
  },
  mailboxAge: { is: duration(), default: "24h", doc: "Job messages older than this are removed." },
  mailboxMessages: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "64",
    doc: "Messages kept for one job of one encoder; more are refused.",
  },
  mailboxSenderMessages: {
    is: integer({ min: 1, max: 100_000_000 }),
    default: "100000",
    doc: "Messages kept of one encoder for all jobs; more are refused until older ones are removed.",
  },
  clientTraces: {
    is: choice(["link", "parent"]),
    default: "link",
    doc: "What a client's trace context is to ours; `parent` only where nobody else reaches the gateway.",
  },
  maxWait: { is: duration(), default: "30s", doc: "Longest time that a request may wait for news." },
  maxWaiting: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "2048",
    doc: "Requests that may wait for news at once; more are refused for the moment.",
  },
  maxConnections: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "8192",
    doc: "Connections that are served at once; more are closed.",
  },
  submissionsWaiting: {
    is: integer({ min: 1_024, max: 1_000_000 }),
    default: "4096",
    doc: "Transactions that may wait for the mempool's answer at once, of one client half; more are refused for the moment.",
  },
  requestTimeout: {
    is: duration(),
    default: "2m",
    doc: "Time in which a request must have arrived, its body included.",
  },
  trustProxy: {
    is: list(),
    default: "",
    doc: "Addresses and networks of proxies whose X-Forwarded-For names the client; none by default.",
  },
  quotaWindow: {
    is: integer({ min: 1, max: 86_400 }),
    default: "10",
    doc: "Seconds after which the counts of a client's requests, bytes and messages begin again.",
  },
  quotaRequests: {
    is: integer({ min: 1, max: 1_000_000_000 }),
    default: "5000",
    doc: "Requests of one client (an IPv4 address, an IPv6 /64) in a window, at one replica; each transaction counts.",
  },
  quotaBlobBytes: {
    is: bytes(),
    default: "1GiB",
    doc: "Bytes of blobs that one client may put in a window.",
  },
  quotaRelays: {
    is: integer({ min: 1, max: 1_000_000_000 }),
    default: "2000",
    doc: "Job messages of one client that are relayed in a window.",
  },
  quotaJobRelays: {
    is: integer({ min: 1, max: 1_000_000_000 }),
    default: "2000",
    doc: "Messages under one job's session key that are relayed in a window, whoever sends them.",
  },
  quotaSignatures: {
    is: integer({ min: 1, max: 1_000_000_000 }),
    default: "2000",
    doc: "Signatures that are checked in vain for one client in a window (wrong ones, or of accounts that cannot pay).",
  },
  quotaEvents: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "32",
    doc: "Event streams that one client may have open.",
  },
  quotaWaits: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "256",
    doc: "Requests of one client that may wait for news at once.",
  },
  quotaExempt: {
    is: list(),
    default: "",
    doc: "Networks (10.0.0.0/8) of clients that are not counted: the operator's own.",
  },
  eventStreams: {
    is: integer({ min: 1, max: 1_000_000 }),
    default: "1024",
    doc: "Event streams that may be open at once; more are refused for the moment.",
  },
  eventHeartbeat: {
    is: duration(),
    default: "15s",
    doc: "Silence after which an event stream shows that it is alive.",
  },
  eventPatience: {
    is: duration(),
    default: "15s",
    doc: "Time in which a reader must take the events that were written; then it is cut off.",
  },
  eventsKept: {
    is: integer({ min: 1, max: 10_000_000 }),
    default: "16384",
    doc: "Newest events in memory for all readers; older ones are read from the ledger's history.",
  },
});
