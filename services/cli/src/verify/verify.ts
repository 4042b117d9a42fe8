import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import { decodeGenesis, MAX_RECEIPT_BYTES, verifyReceipt } from "@soma/protocol";
import { ROOT } from "../devnet/governed-files.ts";
import { genuine, genuineJson, refused } from "./report.ts";
import { loadTokenise } from "./tokenizer.ts";

export interface VerifyOptions {
  /** The one file that is trusted. */
  readonly genesisPath: string;
  /** One JSON object instead of lines. */
  readonly json: boolean;
  /** The governed text tokenizer; the checkout's own unless given. */
  readonly tokenizerPath?: string;
}

/** Where the report goes. */
export interface ReportOutput {
  write(text: string): unknown;
}

/** Exit codes of `soma verify`. */
export const VERIFY_EXIT = { genuine: 0, refused: 1, unreadable: 2 } as const;

/**
 * `soma verify <receipt>`: proves a receipt from the genesis file alone, without a network, and reports every stage.
 * Returns the exit code: 0 if it holds, 1 if it is refused, 2 if a file could not be read.
 */
export async function verifyCommand(
  path: string,
  options: VerifyOptions,
  out: ReportOutput,
): Promise<number> {
  const print = (lines: readonly string[], json: object) =>
    out.write(options.json ? `${JSON.stringify(json, null, 2)}\n` : `${lines.join("\n")}\n`);
  const unreadable = ({ code, message }: { code: string; message: string }) => {
    print([`${code}: ${message}`], { verified: false, code, message });
    return VERIFY_EXIT.unreadable;
  };
  const receipt = readFile(path, "RECEIPT_UNREADABLE", MAX_RECEIPT_BYTES);
  if (!receipt.ok) return unreadable(receipt);
  const genesisFile = readFile(options.genesisPath, "GENESIS_UNREADABLE", MAX_RECEIPT_BYTES);
  if (!genesisFile.ok) return unreadable(genesisFile);
  const genesis = decodeGenesis(genesisFile.value);
  if (!genesis.ok) {
    return unreadable({
      code: "GENESIS_MALFORMED",
      message: `${options.genesisPath} is not a genesis file: ${genesis.message}`,
    });
  }
  const tokenizerPath = options.tokenizerPath ?? join(ROOT, "models/tokenizer/text.model");
  const tokenise = await loadTokenise(tokenizerPath, genesis.value);
  if (!tokenise.ok) return unreadable(tokenise);

  const deps = { verifier: nativeVerifier, tokenise: tokenise.value };
  const verdict = verifyReceipt(receipt.value, genesis.value, deps);
  if (!verdict.ok) {
    const { code, message } = verdict;
    print(refused(code, message), { verified: false, code, message });
    return VERIFY_EXIT.refused;
  }
  print(genuine(receipt.value.length, verdict.value), genuineJson(verdict.value));
  return VERIFY_EXIT.genuine;
}

function readFile(path: string, code: string, maxBytes: number): Result<Uint8Array> {
  try {
    const { size } = statSync(path);
    if (size > maxBytes) return err(code, `${path} has ${size} bytes, at most ${maxBytes} are read`);
    return ok(new Uint8Array(readFileSync(path)));
  } catch (error) {
    return err(code, error instanceof Error ? error.message : `cannot read ${path}`);
  }
}
