import { err, ok, type Result, toHex } from "@soma/base";
import { bcs, encode } from "@soma/codec";
import { taggedHash } from "@soma/crypto";
import type { Digest } from "./ids.ts";
import { PARAMETER_TABLE, type ParameterName, type Parameters } from "./parameter-table.ts";

const NAMES = Object.keys(PARAMETER_TABLE) as ParameterName[];

/** Values of a new network of the given kind. */
export function initialParameters(kind: "production" | "devnet"): Parameters {
  const entries = NAMES.map((name) => {
    const row: { default: bigint | number; devnet?: bigint | number } = PARAMETER_TABLE[name];
    return [name, kind === "devnet" ? (row.devnet ?? row.default) : row.default];
  });
  return Object.fromEntries(entries) as Parameters;
}

const ParametersCodec = bcs.vector(bcs.tuple([bcs.string(), bcs.string()]));

/** Digest of the whole table in the order of names, so that everybody can tell which values are in force. */
export function parametersDigest(chainId: string, parameters: Parameters): Digest {
  const rows = [...NAMES].sort().map((name): [string, string] => [name, parameters[name].toString()]);
  return toHex(taggedHash("soma.parameters", chainId, encode(ParametersCodec, rows)));
}

/** Reads values written as decimal strings (genesis file); refuses unknown names and values out of bounds. */
export function parseParameters(values: Readonly<Record<string, string>>): Result<Parameters> {
  const out: Record<string, bigint | number> = {};
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(PARAMETER_TABLE, name))
      return err("PARAMETER_UNKNOWN", `no parameter is called ${name}`);
  }
  for (const name of NAMES) {
    const row = PARAMETER_TABLE[name];
    const text = values[name];
    if (text === undefined || !/^[0-9]{1,40}$/.test(text)) {
      return err("PARAMETER_MALFORMED", `${name} is not a decimal integer`);
    }
    const value = typeof row.default === "bigint" ? BigInt(text) : Number(text);
    if (!(value >= row.min && value <= row.max)) {
      return err("PARAMETER_BOUNDS", `${name} = ${text} is outside ${row.min}..${row.max}`);
    }
    out[name] = value;
  }
  return ok(out as Parameters);
}

/** The inverse of `parseParameters`. */
export function formatParameters(parameters: Parameters): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [name, parameters[name].toString()]));
}
