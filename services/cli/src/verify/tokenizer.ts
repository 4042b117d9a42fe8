import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "@soma/base";
import type { Genesis, Tokenise } from "@soma/protocol";
import { TextTokenizer } from "@soma/tokenizer";

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
  const tokenizer = await TextTokenizer.load(path);
  return ok((item, modality) => (modality === "text" ? tokenizer.encode(item)?.length : undefined));
}
