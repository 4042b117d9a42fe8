import { SomaError } from "@soma/base";
// The package registers process-wide listeners when it is loaded; in a worker thread they stay in the thread.
import { SentencePieceProcessor } from "sentencepiece-js";

const MASK_SYMBOL = "<mask>";

/**
 * The governed text tokenizer (MASK-1): the elements of an item. Encoders and verifiers must get the same ones, so
 * there is this one place.
 *
 * The mask symbol is a piece of the vocabulary, so text that spells it out would contain masks that nobody drew.
 * Each such piece is written as the pieces of its characters instead.
 */
export class TextTokenizer {
  /** Id of the element that stands for what a mask hides (MASK-3). */
  readonly maskId: number;
  readonly #processor: SentencePieceProcessor;
  readonly #spelled: readonly number[];

  private constructor(processor: SentencePieceProcessor) {
    this.#processor = processor;
    // The processor writes a space before every text: its id, then the symbol's.
    const [space, mask, ...rest] = processor.encodeIds(MASK_SYMBOL);
    const parts = [MASK_SYMBOL.slice(0, -1), MASK_SYMBOL.slice(-1)].map((text) => processor.encodeIds(text));
    if (
      space === undefined ||
      mask === undefined ||
      rest.length > 0 ||
      parts.some((ids) => ids[0] !== space)
    ) {
      throw new SomaError("TOKENIZER_MASK", "the tokenizer has no mask symbol of its own");
    }
    this.maskId = mask;
    this.#spelled = parts.flatMap((ids) => ids.slice(1));
  }

  /** @throws SomaError TOKENIZER_MASK, or what reading the file fails with */
  static async load(path: string): Promise<TextTokenizer> {
    const processor = new SentencePieceProcessor();
    await processor.load(path);
    return new TextTokenizer(processor);
  }

  /** Element ids of an item's bytes, none of them the mask's; undefined if they are not UTF-8. */
  encode(item: Uint8Array): number[] | undefined {
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(item);
    } catch {
      return undefined;
    }
    return this.#processor.encodeIds(text).flatMap((id) => (id === this.maskId ? this.#spelled : [id]));
  }
}
