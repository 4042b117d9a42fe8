export { TextTokenizer } from "./text-tokenizer.ts";
