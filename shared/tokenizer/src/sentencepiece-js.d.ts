// The package brings no types; this is what is used of it.
declare module "sentencepiece-js" {
  export class SentencePieceProcessor {
    /** Reads the model file at `path`. */
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
  }
}
