import { readFileSync, statSync, writeFileSync } from "node:fs";
import { err, fromHex, ok, type Result, SomaError, toHex } from "@soma/base";
import { decodeExact, encode } from "@soma/codec";
import { MAX_OVERRIDE_BYTES, OverrideCodec, overrideDigest, type SignedOverride } from "@soma/protocol";
import { z } from "zod";

const HexSchema = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const FileSchema = z.strictObject({
  chainId: z.string().min(1),
  override: HexSchema,
  signatures: z.array(z.strictObject({ validator: HexSchema.length(64), signature: HexSchema.length(192) })),
});

/** An override on its way between operators: JSON, so that it can be read and mailed. */
export interface OverrideFile {
  readonly chainId: string;
  readonly signed: SignedOverride;
}

/** @throws SomaError CLI_OVERRIDE_FILE */
export function readOverrideFile(path: string): OverrideFile {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new SomaError(
      "CLI_OVERRIDE_FILE",
      `${path} is no file; give the one that soma override make wrote`,
    );
  const parsed = parseOverrideFile(readFileSync(path, "utf8"));
  if (!parsed.ok) throw new SomaError(parsed.code, `${path}: ${parsed.message}`);
  return parsed.value;
}

export function parseOverrideFile(text: string): Result<OverrideFile> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err("CLI_OVERRIDE_FILE", "is not JSON");
  }
  const file = FileSchema.safeParse(json);
  if (!file.success) return err("CLI_OVERRIDE_FILE", z.prettifyError(file.error));
  const { chainId, signatures } = file.data;
  const override = decodeExact(OverrideCodec, fromHex(file.data.override), MAX_OVERRIDE_BYTES);
  if (!override.ok) return err("CLI_OVERRIDE_FILE", override.message);
  const decoded = signatures.map(({ validator, signature }) => ({
    validator,
    signature: fromHex(signature),
  }));
  return ok({ chainId, signed: { override: override.value, signatures: ascending(decoded) } });
}

export function writeOverrideFile(path: string, { chainId, signed }: OverrideFile): void {
  const signatures = signed.signatures.map(({ validator, signature }) => ({
    validator,
    signature: toHex(signature),
  }));
  const override = toHex(encode(OverrideCodec, signed.override));
  writeFileSync(path, `${JSON.stringify({ chainId, override, signatures }, null, 2)}\n`);
}

/** One file with the signatures of all. @throws SomaError CLI_OVERRIDE_DIFFERS if they are not over one override */
export function combine(files: readonly OverrideFile[]): OverrideFile {
  const [first] = files;
  if (first === undefined) throw new SomaError("CLI_OPTION", "give at least one file");
  const { chainId, signed } = first;
  const digest = overrideDigest(chainId, signed.override);
  const signatures = new Map<string, SignedOverride["signatures"][number]>();
  for (const file of files) {
    if (file.chainId !== chainId || overrideDigest(chainId, file.signed.override) !== digest) {
      throw new SomaError(
        "CLI_OVERRIDE_DIFFERS",
        "the files hold different overrides; compare them with `show`",
      );
    }
    for (const entry of file.signed.signatures) signatures.set(entry.validator, entry);
  }
  return { chainId, signed: { ...signed, signatures: ascending([...signatures.values()]) } };
}

function ascending(signatures: SignedOverride["signatures"]): SignedOverride["signatures"] {
  return signatures.toSorted((a, b) => (a.validator < b.validator ? -1 : 1));
}
