import { SomaError } from "@soma/base";
import { accountOf, type ConnectionFlags, connect, genesisOf } from "../connection.ts";
import { encodeBatch } from "../encode-job.ts";
import type { Library } from "../library.ts";

/** Texts as the network embeds them in one paid job; what was embedded before is taken from the results folder. */
export interface EmbeddedTexts {
  readonly job: string;
  readonly vectors: readonly (readonly number[])[];
}

/** @throws SomaError CLI_TEXT when nobody qualified on a text, and what a job may end with */
export async function embedTexts(
  texts: readonly string[],
  { library, flags, quiet }: { library: Library; flags: ConnectionFlags; quiet: boolean },
): Promise<EmbeddedTexts> {
  const items = texts.map((text, i) => ({
    label: texts.length === 1 ? "query" : `query ${i + 1}`,
    bytes: Buffer.from(text.trim(), "utf8"),
  }));
  const { result } = await encodeBatch(library, items, {
    client: await connect(flags),
    genesis: genesisOf(flags),
    account: accountOf(flags),
    onProgress: ({ stage, text }) => quiet || process.stderr.write(`${stage.padEnd(9)} ${text}\n`),
  });
  const vectors = result.items.map(({ embedding }, i) => {
    if (embedding === null) throw new SomaError("CLI_TEXT", `no encoder qualified on: ${texts[i]}`);
    return embedding;
  });
  return { job: result.job, vectors };
}
