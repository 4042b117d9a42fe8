/** What a refusal means over HTTP, and to a person. */
export interface CodeEntry {
  readonly status: number;
  /** Seconds after which another try may go better, where nothing more exact is known. */
  readonly retryAfterSeconds?: number;
  readonly meaning: string;
}

/** Every refusal of the gateway's own. The names are stable; so is the status. */
export const GATEWAY_CODES = {
  GATEWAY_MALFORMED: { status: 400, meaning: "path, query, headers or body are not as the route wants them" },
  GATEWAY_CURSOR: { status: 400, meaning: "a cursor that no page of this list gave" },
  GATEWAY_ABORTED: { status: 400, meaning: "the client left before its body was whole" },
  GATEWAY_LENGTH_REQUIRED: { status: 411, meaning: "an upload says its length beforehand (Content-Length)" },
  GATEWAY_REQUEST_TIMEOUT: { status: 408, meaning: "the request did not arrive within its time" },
  GATEWAY_HEADERS_TOO_LARGE: { status: 431, meaning: "the headers are larger than any route takes" },
  GATEWAY_BODY_TOO_LARGE: { status: 413, meaning: "the body is larger than the route takes" },
  GATEWAY_BLOB_TOO_LARGE: { status: 413, meaning: "a blob is larger than this gateway takes" },
  GATEWAY_BLOB_HASH: { status: 422, meaning: "the content does not have the SHA-256 that names it" },
  GATEWAY_SESSION_SIGNATURE: {
    status: 403,
    meaning: "a job's message is not signed by the session key that the ledger has for the job",
  },
  GATEWAY_MESSAGE_KIND: { status: 422, meaning: "only a submitter's offers are relayed to seat holders" },
  GATEWAY_ROUTE_NOT_FOUND: { status: 404, meaning: "no route has this path" },
  GATEWAY_METHOD: { status: 405, meaning: "the path has other methods, named by Allow" },
  GATEWAY_BLOB_NOT_FOUND: { status: 404, meaning: "no blob of this hash is here" },
  GATEWAY_JOB_NOT_FOUND: { status: 404, meaning: "the ledger has no such job" },
  GATEWAY_EPOCH_NOT_FOUND: { status: 404, meaning: "no such epoch is or was open" },
  GATEWAY_CHECKPOINT_NOT_FOUND: { status: 404, meaning: "no such checkpoint is certified" },
  GATEWAY_COMMIT_NOT_FOUND: { status: 404, meaning: "the commit is not executed, or not certified, yet" },
  GATEWAY_EMBEDDINGS_NOT_FOUND: { status: 404, meaning: "the job recorded no vectors" },
  GATEWAY_PRUNED: { status: 410, meaning: "it lies before the history that this validator keeps" },
  GATEWAY_BUSY: {
    status: 429,
    retryAfterSeconds: 1,
    meaning: "too many uploads, waiting requests or transactions, of everybody together",
  },
  GATEWAY_QUOTA_REQUESTS: { status: 429, meaning: "the client's requests of this window are used up" },
  GATEWAY_QUOTA_BLOB_BYTES: {
    status: 429,
    meaning: "the client's uploaded bytes of this window are used up",
  },
  GATEWAY_QUOTA_UNCLAIMED: {
    status: 429,
    meaning: "the client's blobs that no job refers to are as many bytes as they may be; they expire",
  },
  GATEWAY_QUOTA_RELAYS: { status: 429, meaning: "the relayed messages of the client or job are used up" },
  GATEWAY_QUOTA_SIGNATURES: {
    status: 429,
    meaning: "as many of the client's signatures of this window were checked in vain as may be",
  },
  GATEWAY_QUOTA_EVENTS: {
    status: 429,
    retryAfterSeconds: 10,
    meaning: "the client has as many event streams open as it may have",
  },
  GATEWAY_QUOTA_WAITS: {
    status: 429,
    retryAfterSeconds: 10,
    meaning: "as many of the client's requests wait for news as may",
  },
  GATEWAY_EVENTS_FULL: {
    status: 429,
    retryAfterSeconds: 10,
    meaning: "the gateway has as many event streams open as it serves",
  },
  GATEWAY_HALTED: {
    status: 503,
    retryAfterSeconds: 10,
    meaning: "the validator's ledger is halted and executes nothing; `/v1/state` says where and why",
  },
  GATEWAY_FAILED: { status: 500, meaning: "the gateway itself failed; its log says why" },
  GATEWAY_CLOSING: { status: 503, retryAfterSeconds: 1, meaning: "the gateway is shutting down" },
} as const satisfies Record<string, CodeEntry>;

export type GatewayCode = keyof typeof GATEWAY_CODES;
