import { type Result, SomaError } from "@soma/base";
import { type PayloadCodec, type PayloadOf, type PayloadSpec, payloadCodec } from "./payload.ts";
import { type NatsPermissions, permissionsFor } from "./permissions.ts";
import {
  buildSubject,
  checkParts,
  overlap,
  parseSubject,
  type Space,
  type SubjectParts,
  type TokenNames,
  type Tokens,
} from "./subject.ts";
import { TAP, tapPermissions } from "./tap.ts";

/** A JetStream stream. Everything in it can be rebuilt from Postgres or peers (DESIGN section 3). */
export interface StreamSpec {
  /** Kebab-case; the server's name is `soma_<network>_<name>`. */
  readonly name: string;
  /** The service that creates it. */
  readonly owner: string;
  readonly doc: string;
  /** `limits` keeps a log, `workqueue` keeps until one consumer acknowledges. */
  readonly retention: "limits" | "workqueue";
  readonly storage: "file" | "memory";
  /** When full: refuse the publisher (`new`, always for a work queue) or drop the oldest (`old`). */
  readonly discard: "new" | "old";
  readonly maxBytes: number;
  /** Milliseconds; 0 keeps for ever (then something else must prune). */
  readonly maxAgeMs: number;
  readonly maxMessagesPerSubject?: number;
  /** Window of the broker's own dedupe, a cheap guard on retries; the inbox is what makes effects happen once. */
  readonly dedupeWindowMs?: number;
  /** 1 on a laptop, 3 or 5 in a cluster; the runtime may raise it by configuration. */
  readonly replicas?: 1 | 3 | 5;
}

export interface StreamDefinition extends Readonly<Required<Omit<StreamSpec, "maxMessagesPerSubject">>> {
  readonly maxMessagesPerSubject: number | undefined;
  /** The name on the server. */
  serverName(network: string): string;
  /** The filters of every message that this stream holds, in a fixed order. */
  subjects(network: string): readonly string[];
  /** The largest payload of those messages, in bytes. */
  maxMessageBytes(): number;
}

export type Delivery<P = never> =
  /** At most once: readers that are not there miss it, so something else must repair the loss. */
  | { readonly kind: "core" }
  /** At least once through a stream. `dedupeBy` gives the broker's message id when the publisher gives none. */
  | {
      readonly kind: "stream";
      readonly stream: StreamDefinition;
      readonly dedupeBy?: (payload: P) => string;
    }
  /** A question with one answer. */
  | { readonly kind: "request"; readonly reply: PayloadSpec; readonly replyMaxBytes?: number };

export interface MessageSpec<S extends SubjectParts, PS extends PayloadSpec, D extends Delivery<never>> {
  /** `<owner>.<what-happened>` for a fact, `<owner>.<verb>` for a request. */
  readonly name: string;
  /** A released version is frozen; a change is a new version on another subject. */
  readonly version: number;
  /** The service whose contract this is. */
  readonly owner: string;
  /** The services that send it (default: the owner); for a request, the callers. */
  readonly from?: readonly string[];
  /** The services that read it; for a request, the responders (default: the owner). */
  readonly to?: readonly string[];
  readonly space?: Space;
  readonly subject: S;
  readonly payload: PS;
  readonly delivery: D;
  /** Bound on the payload, default 64 KiB. */
  readonly maxBytes?: number;
  /** One sentence: when it is sent and what it means. */
  readonly doc: string;
}

/** A message, defined once. `P` is its payload, `Name` the names of its subject's tokens. */
export interface Message<
  P = unknown,
  Name extends string = string,
  Kind extends Delivery["kind"] = Delivery["kind"],
> {
  readonly name: string;
  readonly version: number;
  readonly owner: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly space: Space;
  readonly doc: string;
  readonly parts: SubjectParts;
  readonly kind: Kind;
  readonly payload: PayloadCodec<P>;
  /** The exact subject. @throws SomaError SUBJECT_INVALID on a token value that may not stand in a subject. */
  subjectFor(network: string, tokens: Tokens<Name>): string;
  /** The subscription filter; tokens left out become `*`. */
  filter(network: string, tokens?: Partial<Tokens<Name>>): string;
  /** The token values of a received subject, or undefined if it is not this message's. */
  parse(network: string, subject: string): Readonly<Record<Name, string>> | undefined;
  /** The subject with `{token}` in place of values: low cardinality, for spans and documents. */
  template(): string;
  encode(payload: P): Uint8Array;
  decode(bytes: Uint8Array): Result<P>;
}

export type CoreMessage<P, Name extends string = never> = Message<P, Name, "core">;

export interface StreamMessage<P = unknown, Name extends string = string> extends Message<P, Name, "stream"> {
  readonly stream: StreamDefinition;
  dedupeBy(payload: P): string | undefined;
}

export interface RequestMessage<P = unknown, R = unknown, Name extends string = string>
  extends Message<P, Name, "request"> {
  readonly reply: PayloadCodec<R>;
}

/** The payload type of a message: `type TxAccepted = Payload<typeof TxAccepted>`. */
export type Payload<M> = M extends { readonly payload: PayloadCodec<infer P> } ? P : never;
/** The answer type of a request. */
export type Reply<M> = M extends { readonly reply: PayloadCodec<infer R> } ? R : never;

/** What `defineMessage` returns for a spec. */
export type Defined<S extends SubjectParts, PS extends PayloadSpec, D> = D extends { kind: "stream" }
  ? StreamMessage<PayloadOf<PS>, TokenNames<S>>
  : D extends { kind: "request"; reply: infer RS }
    ? RequestMessage<PayloadOf<PS>, PayloadOf<RS>, TokenNames<S>>
    : CoreMessage<PayloadOf<PS>, TokenNames<S>>;

/** Messages and streams by name; refuses two of one name, and two messages that share a subject. */
export interface Registry {
  defineStream(spec: StreamSpec): StreamDefinition;
  defineMessage<
    const S extends SubjectParts,
    PS extends PayloadSpec,
    const D extends Delivery<PayloadOf<PS>>,
  >(spec: MessageSpec<S, PS, D>): Defined<S, PS, D>;
  messages(): readonly Message[];
  streams(): readonly StreamDefinition[];
  /** What the NATS user of one service, or of `TAP`, may publish and subscribe to. */
  permissions(service: string, network: string): NatsPermissions;
}

const DEFAULT_MAX_BYTES = 64 * 1024;
/** Subjects of one message whose tokens are remembered. */
const MAX_KNOWN_SUBJECTS = 64;
const KEBAB = /^[a-z][a-z0-9-]{0,31}$/;

export function createRegistry(): Registry {
  const messages = new Map<string, Message>();
  const streams = new Map<string, StreamDefinition>();
  const inStream = new Map<StreamDefinition, Message[]>();

  function defineStream(spec: StreamSpec): StreamDefinition {
    if (!KEBAB.test(spec.name)) throw new SomaError("STREAM_INVALID", `bad stream name ${spec.name}`);
    if (streams.has(spec.name)) throw new SomaError("STREAM_INVALID", `stream ${spec.name} is defined twice`);
    if (spec.retention === "workqueue" && spec.discard !== "new")
      throw new SomaError("STREAM_INVALID", `${spec.name}: a work queue that drops its oldest loses work`);
    const stream: StreamDefinition = {
      dedupeWindowMs: 120_000,
      replicas: 1,
      maxMessagesPerSubject: undefined,
      ...spec,
      serverName: (network) => `soma_${network}_${spec.name}`,
      subjects: (network) => (inStream.get(stream) ?? []).map((m) => m.filter(network)).sort(),
      maxMessageBytes: () => Math.max(0, ...(inStream.get(stream) ?? []).map((m) => m.payload.maxBytes)),
    };
    streams.set(spec.name, stream);
    inStream.set(stream, []);
    return stream;
  }

  function register(message: Message): void {
    for (const other of messages.values()) {
      if (other.space === message.space && overlap(other.parts, message.parts))
        throw new SomaError("MESSAGE_DEFINITION", `${message.name} shares a subject with ${other.name}`);
    }
    const key = `${message.name}@${message.version}`;
    if (messages.has(key)) throw new SomaError("MESSAGE_DEFINITION", `${key} is defined twice`);
    messages.set(key, message);
  }

  function defineMessage(spec: MessageSpec<SubjectParts, PayloadSpec, Delivery<never>>): Message {
    checkParts(spec.subject);
    const space = spec.space ?? "inside";
    if (space === "edge" && typeof spec.subject[0] === "string")
      throw new SomaError("MESSAGE_DEFINITION", `${spec.name}: an edge subject begins with the peer's token`);
    if (!spec.name.startsWith(`${spec.owner}.`))
      throw new SomaError("MESSAGE_DEFINITION", `${spec.name} does not begin with its owner ${spec.owner}`);
    const payload = payloadCodec(spec.name, spec.payload, spec.maxBytes ?? DEFAULT_MAX_BYTES);
    const isRequest = spec.delivery.kind === "request";
    const base: Message = {
      name: spec.name,
      version: spec.version,
      owner: spec.owner,
      from: spec.from ?? (isRequest ? [] : [spec.owner]),
      to: spec.to ?? (isRequest ? [spec.owner] : []),
      space,
      doc: spec.doc,
      parts: spec.subject,
      kind: spec.delivery.kind,
      payload: payload as PayloadCodec<unknown>,
      subjectFor: (network, tokens) => buildSubject(space, spec.subject, network, tokens, false),
      filter: (network, tokens = {}) => buildSubject(space, spec.subject, network, tokens, true),
      parse: parserOf(space, spec.subject),
      template: () => spec.subject.map((p) => (typeof p === "string" ? p : `{${p.token}}`)).join("."),
      encode: (value) => (payload as PayloadCodec<unknown>).encode(value),
      decode: (bytes) => payload.decode(bytes),
    };
    const message = withDelivery(base, spec.delivery);
    register(message);
    if (spec.delivery.kind === "stream") {
      const held = inStream.get(spec.delivery.stream);
      if (held === undefined)
        throw new SomaError("MESSAGE_DEFINITION", `${spec.name}: its stream is of another registry`);
      held.push(message);
    }
    return message;
  }

  return {
    defineStream,
    defineMessage: defineMessage as unknown as Registry["defineMessage"],
    messages: () => [...messages.values()],
    streams: () => [...streams.values()],
    permissions: (service, network) => {
      const [known, kept] = [[...messages.values()], [...streams.values()]];
      return service === TAP
        ? tapPermissions(network, known, kept)
        : permissionsFor(service, network, known, kept);
    },
  };
}

/** As `parseSubject`: nearly all messages that a reader gets have one of a few subjects. */
function parserOf(space: Space, parts: SubjectParts): Message["parse"] {
  const known = new Map<string, Readonly<Record<string, string>>>();
  let of = "";
  return (network, subject) => {
    if (network !== of || known.size >= MAX_KNOWN_SUBJECTS) known.clear();
    of = network;
    let tokens = known.get(subject);
    if (tokens !== undefined) return tokens;
    tokens = parseSubject(space, parts, network, subject);
    if (tokens !== undefined) known.set(subject, Object.freeze(tokens));
    return tokens;
  };
}

function withDelivery(base: Message, delivery: Delivery<never>): Message {
  if (delivery.kind === "stream") {
    const dedupeBy = delivery.dedupeBy as ((payload: unknown) => string) | undefined;
    const message: StreamMessage = {
      ...base,
      kind: "stream",
      stream: delivery.stream,
      dedupeBy: (payload) => dedupeBy?.(payload),
    };
    return message;
  }
  if (delivery.kind === "request") {
    const reply = payloadCodec(
      `${base.name} reply`,
      delivery.reply,
      delivery.replyMaxBytes ?? DEFAULT_MAX_BYTES,
    );
    const message: RequestMessage = { ...base, kind: "request", reply: reply as PayloadCodec<unknown> };
    return message;
  }
  return base;
}

/** The registry of the network. Tests make their own with `createRegistry`. */
export const registry: Registry = createRegistry();

/** Defines a message in the network's registry. */
export const defineMessage: Registry["defineMessage"] = registry.defineMessage;

/** Defines a stream in the network's registry. */
export const defineStream: Registry["defineStream"] = registry.defineStream;
