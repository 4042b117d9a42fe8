import { bytes, choice, defineConfig, duration, integer, text } from "@soma/config";
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
  requestTimeout: {
    is: duration(),
    default: "2m",
    doc: "Time in which a request must have arrived, its body included.",
  },
});
