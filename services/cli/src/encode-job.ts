import { existsSync } from "node:fs";
import { join } from "node:path";
import { SomaError } from "@soma/base";
import { type EmbeddedJob, type EmbedOptions, embed, resume } from "@soma/client";
import { genesisParameters } from "@soma/protocol";
import { TextTokenizer } from "@soma/tokenizer";
import { ROOT } from "./devnet/governed-files.ts";
import type { Library, StoredResult, TextItem } from "./library.ts";
import { BALANCE_REFUSALS } from "./send.ts";
import { turnOf } from "./turns.ts";

/** Longer than any token of the governed tokenizer, whose pieces have at most 16 characters. */
const MAX_TOKEN_BYTES = 64;

/** One batch through the network, begun or resumed; what is done already is not paid again. */
export async function encodeBatch(
  library: Library,
  items: readonly TextItem[],
  options: Omit<EmbedOptions, "journalPath">,
): Promise<{ result: StoredResult; job: EmbeddedJob | undefined }> {
  const name = library.nameOf(items);
  const done = library.stored(name);
  if (done !== undefined) return { result: done, job: undefined };
  const journalPath = library.journalPath(name);
  if (!existsSync(journalPath)) await checkLengths(items, options);
  library.prepare();
  const { onProgress } = options;
  const full = {
    turn: turnOf(options.genesis, options.account),
    ...options,
    ...(onProgress && { onProgress: withoutCounting(onProgress) }),
    journalPath,
  };
  const playing = existsSync(journalPath)
    ? resume(full)
    : embed(
        items.map(({ bytes }) => bytes),
        items.map(({ label }) => label),
        full,
      );
  const job = await playing.catch((error: unknown) => {
    // The ledger's last word on this job: to go on with it would bring the same for ever.
    if (error instanceof SomaError && error.code === "JOB_NOT_SETTLED") library.abandon(name);
    if (error instanceof SomaError && BALANCE_REFUSALS.has(error.code)) {
      const { address } = options.account;
      throw new SomaError(
        error.code,
        `${error.message}; have tokens sent to ${address} (soma transfer), then run this again`,
        error.details,
        { cause: error },
      );
    }
    throw error;
  });
  return { result: library.store(name, items, job), job };
}

/** Of the stages told in a row by a count that grows, "received", only the last: before the next stage. */
function withoutCounting(tell: OnProgress): OnProgress {
  let held: Parameters<OnProgress>[0] | undefined;
  return (progress) => {
    if (progress.stage === "received") {
      held = progress;
      return;
    }
    if (held !== undefined) tell(held);
    held = undefined;
    tell(progress);
  };
}

type OnProgress = NonNullable<EmbedOptions["onProgress"]>;

/**
 * MASK-1, MASK-2: an item that cannot be masked would be refused by every encoder, after it was paid for.
 * @throws SomaError CLI_ITEM_SHORT, CLI_ITEM_LONG, CLI_INPUT
 */
async function checkLengths(
  items: readonly TextItem[],
  { genesis }: Pick<EmbedOptions, "genesis">,
): Promise<void> {
  const parameters = genesisParameters(genesis);
  if (!parameters.ok) throw new SomaError(parameters.code, parameters.message);
  const { maxTokens } = parameters.value;
  for (const { label, bytes } of items) {
    // A token stands for so many bytes at most, and reading a large file would take minutes.
    if (bytes.length > maxTokens * MAX_TOKEN_BYTES) {
      throw new SomaError(
        "CLI_ITEM_LONG",
        `${label} has ${bytes.length} bytes, more than the ${maxTokens} tokens that are taken; split it, or give --lines`,
      );
    }
  }
  const tokenizer = await TextTokenizer.load(join(ROOT, "models/tokenizer/text.model"));
  for (const { label, bytes } of items) {
    const length = tokenizer.encode(bytes)?.length;
    if (length === undefined) throw new SomaError("CLI_INPUT", `${label} is not UTF-8 text`);
    if (length > maxTokens) {
      throw new SomaError(
        "CLI_ITEM_LONG",
        `${label} has ${length} tokens, at most ${maxTokens} are taken; split it, or give --lines`,
      );
    }
    // Two elements have two masks of one element each; one has none.
    if (length < 2) {
      throw new SomaError(
        "CLI_ITEM_SHORT",
        `${label} has ${length} tokens, too few to be masked in two ways; add words to it`,
      );
    }
  }
}
