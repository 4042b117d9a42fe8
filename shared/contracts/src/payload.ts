import { err, ok, type Result, SomaError } from "@soma/base";
import { z } from "zod";

// Cores import contracts and compile without Node's types; every platform that we run on has these two.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean },
) => { decode(bytes: Uint8Array): string };

/** Bytes of a payload that is not JSON (a block, a batch, a vector). `decode` never throws. */
export interface BinaryCodec<P> {
  encode(payload: P): Uint8Array;
  decode(bytes: Uint8Array): Result<P>;
}

/** A zod schema (the payload is JSON on the wire) or a binary codec. */
export type PayloadSpec = z.ZodType | BinaryCodec<never> | BinaryCodec<unknown>;

/** The type that a `PayloadSpec` carries. */
export type PayloadOf<S> = S extends z.ZodType
  ? z.output<S>
  : S extends { decode(bytes: Uint8Array): Result<infer P> }
    ? P
    : never;

/** A payload's two directions with its size bound; what `Message` is built from. */
export interface PayloadCodec<P> {
  readonly format: "json" | "binary";
  readonly maxBytes: number;
  /** The zod schema of a JSON payload, for generated documents. */
  readonly schema: z.ZodType | undefined;
  /** @throws SomaError MESSAGE_INVALID or MESSAGE_TOO_LARGE: this program built a wrong payload. */
  encode(payload: P): Uint8Array;
  /** Codes: MESSAGE_TOO_LARGE, MESSAGE_INVALID. Never throws. */
  decode(bytes: Uint8Array): Result<P>;
}

/** Binds a schema or codec to a size bound. `label` names the message in errors. */
export function payloadCodec<S extends PayloadSpec>(
  label: string,
  spec: S,
  maxBytes: number,
): PayloadCodec<PayloadOf<S>> {
  const codec = isSchema(spec) ? jsonCodec(label, spec) : (spec as BinaryCodec<unknown>);
  return {
    format: isSchema(spec) ? "json" : "binary",
    maxBytes,
    schema: isSchema(spec) ? spec : undefined,
    encode(payload) {
      const bytes = codec.encode(payload);
      if (bytes.length > maxBytes)
        throw new SomaError("MESSAGE_TOO_LARGE", `${label}: ${bytes.length} bytes, at most ${maxBytes}`);
      return bytes;
    },
    decode(bytes) {
      if (bytes.length > maxBytes)
        return err("MESSAGE_TOO_LARGE", `${label}: ${bytes.length} bytes, at most ${maxBytes}`);
      return codec.decode(bytes) as Result<PayloadOf<S>>;
    },
  };
}

function isSchema(spec: PayloadSpec): spec is z.ZodType {
  return "_zod" in spec;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function jsonCodec(label: string, schema: z.ZodType): BinaryCodec<unknown> {
  return {
    encode(payload) {
      const wire = z.safeEncode(schema, payload);
      if (!wire.success) throw new SomaError("MESSAGE_INVALID", `${label}: ${firstIssue(wire.error)}`);
      return encoder.encode(JSON.stringify(wire.data));
    },
    decode(bytes) {
      let wire: unknown;
      try {
        wire = JSON.parse(decoder.decode(bytes));
      } catch {
        return err("MESSAGE_INVALID", `${label}: not JSON`);
      }
      const parsed = schema.safeParse(wire);
      return parsed.success
        ? ok(parsed.data)
        : err("MESSAGE_INVALID", `${label}: ${firstIssue(parsed.error)}`);
    },
  };
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "invalid" : `${issue.path.join(".") || "payload"}: ${issue.message}`;
}
