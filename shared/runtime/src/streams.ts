import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { SomaError } from "@soma/base";
import type { StreamDefinition } from "@soma/contracts";

/** How full a stream is. */
export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

type Wanted = Pick<
  StreamConfig,
  | "name"
  | "subjects"
  | "retention"
  | "storage"
  | "discard"
  | "max_bytes"
  | "max_age"
  | "max_msg_size"
  | "max_msgs_per_subject"
  | "duplicate_window"
  | "num_replicas"
  | "allow_direct"
>;

// Room for headers in a stored message, beside the payload that the contract bounds.
const HEADER_ROOM = 4096;

function wanted(stream: StreamDefinition, network: string, replicas: number): Wanted {
  return {
    name: stream.serverName(network),
    subjects: [...stream.subjects(network)],
    retention: stream.retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: stream.storage === "file" ? StorageType.File : StorageType.Memory,
    discard: stream.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_bytes: stream.maxBytes,
    max_age: nanos(stream.maxAgeMs),
    max_msg_size: stream.maxMessageBytes() + HEADER_ROOM,
    max_msgs_per_subject: stream.maxMessagesPerSubject ?? -1,
    duplicate_window: nanos(
      stream.maxAgeMs === 0 ? stream.dedupeWindowMs : Math.min(stream.dedupeWindowMs, stream.maxAgeMs),
    ),
    num_replicas: replicas,
    allow_direct: true,
  };
}

/** Creates the stream or brings it up to its definition, and checks what the server says it made of it. */
export async function ensureStream(
  jsm: JetStreamManager,
  stream: StreamDefinition,
  network: string,
  replicas: number = stream.replicas,
): Promise<void> {
  const want = wanted(stream, network, replicas);
  const known = await find(jsm, want.name);
  const info =
    known === undefined
      ? await jsm.streams.add(want)
      : differences(want, known).length === 0
        ? known
        : await jsm.streams.update(want.name, want);
  const wrong = differences(want, info);
  // An old server drops a field that it does not know without a word.
  if (wrong.length > 0)
    throw new SomaError("STREAM_MISMATCH", `stream ${want.name} came back with another ${wrong.join(", ")}`);
}

/** Creates the stream if it is missing, as a reader or writer does that starts before the owner. */
export async function createStreamIfMissing(
  jsm: JetStreamManager,
  stream: StreamDefinition,
  network: string,
  replicas: number = stream.replicas,
): Promise<void> {
  if ((await find(jsm, stream.serverName(network))) === undefined)
    await ensureStream(jsm, stream, network, replicas);
}

export async function streamState(
  jsm: JetStreamManager,
  stream: StreamDefinition,
  network: string,
): Promise<StreamState> {
  const { state } = await jsm.streams.info(stream.serverName(network));
  return {
    messages: state.messages,
    bytes: state.bytes,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
  };
}

async function find(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  }
}

function differences(want: Wanted, info: StreamInfo): string[] {
  return (Object.keys(want) as (keyof Wanted)[]).filter(
    (key) => JSON.stringify(want[key]) !== JSON.stringify(sorted(info.config[key])),
  );
}

function sorted(value: unknown): unknown {
  return Array.isArray(value) ? [...value].sort() : value;
}
