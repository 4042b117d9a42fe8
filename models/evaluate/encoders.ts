import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { modelFolders } from "../../services/cli/src/devnet/governed-files.ts";
import {
  loadModelFolder,
  loadTokenizerFolder,
  type ModelFolder,
} from "../../services/encoder/src/shell/inference/model-folder.ts";

const MODELS = join(import.meta.dirname, "..");

/** A model that is evaluated as an encoder of the network. */
export interface Encoder {
  readonly name: string;
  /** SHA-256 of its graph in hex: also its id in the jobs. */
  readonly id: string;
  readonly model: ModelFolder;
}

/** Every shipped encoder, by name; its files are checked against its manifest. */
export function shippedEncoders(): Encoder[] {
  const tokenizer = loadTokenizerFolder(join(MODELS, "tokenizer"));
  return modelFolders().map((folder) => encoderOf(loadModelFolder(folder, tokenizer)));
}

/**
 * The attacker of DIFF-3: one trained vector a token, so additive by construction. It ships without a manifest, being
 * no encoder, and is run as the encoders are.
 */
export function bagOfWords(encoders: readonly Encoder[]): Encoder {
  const graph = join(MODELS, "training/attackers/cheat/model.onnx");
  return encoderOf({ ...encoders[0]!.model, name: "bag-of-words", version: "1.0.0", graph });
}

function encoderOf(model: ModelFolder): Encoder {
  const id = createHash("sha256").update(readFileSync(model.graph)).digest("hex");
  return { name: model.name, id, model };
}
