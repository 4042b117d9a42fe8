import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "@soma/base";
import type { Genesis, Tokenise } from "@soma/protocol";
import { SentencePieceProcessor } from "sentencepiece-js";

/**
 * The governed text tokenizer (MASK-1) as a count of an item's elements. Refusals: TOKENIZER_UNREADABLE,
 * TOKENIZER_OTHER (not the file that the genesis binds).
 */
export async function loadTokenise(path: string, genesis: Genesis): Promise<Result<Tokenise>> {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return err("TOKENIZER_UNREADABLE", `cannot read the tokenizer ${path}`);
  }
  const digest = createHash("sha256").update(file).digest("hex");
  if (digest !== genesis.textTokenizer) {
    return err("TOKENIZER_OTHER", `${path} is not the tokenizer that the genesis file binds`);
  }
  const processor = new SentencePieceProcessor();
  await processor.load(path);
  return ok((item, modality) => {
    const text = modality === "text" ? textOf(item) : undefined;
    return text === undefined ? undefined : processor.encodeIds(text).length;
  });
}

/** Undefined for bytes that are not UTF-8: such an item cannot be embedded. */
function textOf(item: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(item);
  } catch {
    return undefined;
  }
}
