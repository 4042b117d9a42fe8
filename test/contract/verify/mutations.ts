import { bytesEqual } from "@soma/base";
import {
  CheckpointLeafCodec,
  EmbeddingBlobCodec,
  type Receipt,
  ReceiptCodec,
  SignedTransactionCodec,
} from "@soma/protocol";

/** A changed receipt, and where it was changed. */
export interface Mutation {
  readonly path: string;
  readonly what: string;
  readonly bytes: Uint8Array;
}

interface AnyCodec {
  parse(bytes: Uint8Array): unknown;
  serialize(value: never): { toBytes(): Uint8Array };
}

/** Bytes in a receipt that are themselves an encoding: their fields are changed too. */
const NESTED: Readonly<Record<string, AnyCodec>> = {
  leaf: CheckpointLeafCodec,
  transaction: SignedTransactionCodec,
  blob: EmbeddingBlobCodec,
};

/** What an absent option turns into, by the name of its field. */
function samples(receipt: Receipt): Readonly<Record<string, readonly unknown[]>> {
  const infos = receipt.chain.flatMap((link) => (link.nextEpoch === null ? [] : [link.nextEpoch]));
  const digests = receipt.chain.flatMap(({ certificate }) => certificate.checkpoint.nextEpoch ?? []);
  return {
    "chain.nextEpoch": infos,
    "chain.certificate.checkpoint.nextEpoch": ["00".repeat(32), ...digests],
  };
}

const flip = (bytes: Uint8Array, at: number, bit: number) => {
  const out = bytes.slice();
  out[at]! ^= 1 << bit;
  return out;
};

function* ofBytes(bytes: Uint8Array): Generator<[string, unknown]> {
  const places = new Set([0, bytes.length >> 1, bytes.length - 1]);
  for (const at of places)
    if (at >= 0 && at < bytes.length) yield [`bit of byte ${at}`, flip(bytes, at, at % 8)];
  if (bytes.length > 0) {
    yield ["last byte dropped", bytes.subarray(0, -1)];
    yield ["emptied", new Uint8Array(0)];
  }
  yield ["byte appended", Uint8Array.from([...bytes, 0])];
}

function* ofText(text: string): Generator<[string, unknown]> {
  if (/^[0-9a-f]{64}$/.test(text)) {
    const digit = (Number.parseInt(text[0]!, 16) ^ 1).toString(16);
    yield ["first digit", digit + text.slice(1)];
    yield ["last digit", text.slice(0, -1) + (Number.parseInt(text.at(-1)!, 16) ^ 8).toString(16)];
    yield ["zeroed", "0".repeat(64)];
    return;
  }
  yield ["letter appended", `${text}x`];
  if (text !== "") yield ["emptied", ""];
}

function* ofList(list: readonly unknown[]): Generator<[string, unknown]> {
  for (let i = 0; i < list.length; i++) {
    yield [`${i} dropped`, list.toSpliced(i, 1)];
    yield [`${i} doubled`, list.toSpliced(i, 0, list[i])];
    if (i + 1 < list.length) yield [`${i} and ${i + 1} swapped`, list.toSpliced(i, 2, list[i + 1], list[i])];
  }
}

/** Every changed form of a value: of itself, then of its parts. `field` is the path without list indices. */
function* mutate(
  value: unknown,
  path: string,
  field: string,
  options: ReturnType<typeof samples>,
): Generator<[string, string, unknown]> {
  const here = function* (changes: Iterable<[string, unknown]>): Generator<[string, string, unknown]> {
    for (const [what, changed] of changes) yield [path, what, changed];
  };
  if (value === null) {
    for (const sample of options[field] ?? []) yield [path, "option set", sample];
  } else if (typeof value === "bigint") {
    yield* here([
      ["plus one", value + 1n],
      ["minus one", value - 1n],
      ["zeroed", 0n],
    ]);
  } else if (typeof value === "number") {
    yield* here([
      ["plus one", value + 1],
      ["minus one", value - 1],
      ["zeroed", 0],
    ]);
  } else if (typeof value === "boolean") {
    yield [path, "flipped", !value];
  } else if (typeof value === "string") {
    yield* here(ofText(value));
  } else if (value instanceof Uint8Array) {
    yield* here(ofBytes(value));
    yield* nested(value, path, field, options);
  } else if (Array.isArray(value)) {
    yield* here(ofList(value));
    for (const [i, element] of value.entries()) {
      for (const [at, what, changed] of mutate(element, `${path}[${i}]`, field, options)) {
        yield [at, what, value.with(i, changed)];
      }
    }
  } else {
    yield* ofStruct(value as Record<string, unknown>, path, field, options);
  }
}

function* ofStruct(
  value: Record<string, unknown>,
  path: string,
  field: string,
  options: ReturnType<typeof samples>,
): Generator<[string, string, unknown]> {
  for (const [name, part] of Object.entries(value)) {
    if (name === "$kind") continue;
    const [at, of] = path === "" ? [name, name] : [`${path}.${name}`, `${field}.${name}`];
    if (part !== null && name === "nextEpoch") yield [at, "option cleared", { ...value, [name]: null }];
    if (part !== null && name === "winner") yield [at, "option cleared", { ...value, [name]: null }];
    for (const [deeper, what, changed] of mutate(part, at, of, options)) {
      yield [deeper, what, { ...value, [name]: changed }];
    }
  }
}

function* nested(
  bytes: Uint8Array,
  path: string,
  field: string,
  options: ReturnType<typeof samples>,
): Generator<[string, string, unknown]> {
  const codec = NESTED[field.slice(field.lastIndexOf(".") + 1)];
  if (codec === undefined || bytes.length === 0) return;
  for (const [at, what, changed] of mutate(codec.parse(bytes), `${path}>`, field, options)) {
    const encoded = encodeOrNull(codec, changed);
    if (encoded !== null) yield [at, what, encoded];
  }
}

function encodeOrNull(codec: AnyCodec, value: unknown): Uint8Array | null {
  try {
    return codec.serialize(value as never).toBytes();
  } catch {
    return null;
  }
}

/**
 * Every receipt that differs from `original` in one place: each value altered, each list with an element dropped,
 * doubled or swapped with its neighbour, each option toggled, also within the encodings that it carries. What
 * cannot be encoded is no file; what encodes to the same bytes is no change.
 */
export function* mutations(original: Uint8Array): Generator<Mutation> {
  const receipt = ReceiptCodec.parse(original);
  for (const [path, what, changed] of mutate(receipt, "", "", samples(receipt))) {
    const bytes = encodeOrNull(ReceiptCodec, changed);
    if (bytes !== null && !bytesEqual(bytes, original)) yield { path, what, bytes };
  }
}
