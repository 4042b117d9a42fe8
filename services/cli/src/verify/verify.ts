import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result, SomaError } from "@soma/base";
import { nativeVerifier } from "@soma/crypto/native";
import { decodeGenesis, type Hex32, MAX_RECEIPT_BYTES, verifyReceipt } from "@soma/protocol";
import { ROOT } from "../devnet/governed-files.ts";
import { printFailure } from "../output.ts";
import { genuine, genuineJson, refused } from "./report.ts";
import { loadTokenise } from "./tokenizer.ts";

export interface VerifyOptions {
  /** The one file that is trusted. */
  readonly genesisPath: string;
  /** One JSON object instead of lines. */
  readonly json: boolean;
  /** The governed text tokenizer; the checkout's own unless given. */
  readonly tokenizerPath?: string;
  /** Names of encoders, where they have any. */
  readonly nameOf?: (id: Hex32) => string | undefined;
}

/** Where the report goes. */
export interface ReportOutput {
  write(text: string): unknown;
}

/**
 * `soma verify <receipt>`: proves a receipt from the genesis file alone, without a network, and reports every stage.
 * What is refused or cannot be read goes to `fail` as well, unless the report is JSON. Returns the exit status: 0 if
 * the receipt holds, else 1.
 */
export async function verifyCommand(
  path: string,
  options: VerifyOptions,
  out: ReportOutput,
  fail: (failure: SomaError) => void = printFailure,
): Promise<number> {
  const print = (lines: readonly string[], json: object) =>
    out.write(
      options.json ? `${JSON.stringify(json, null, 2)}\n` : lines.map((line) => `${line}\n`).join(""),
    );
  const refuse = ({ code, message }: { code: string; message: string }, lines: readonly string[] = []) => {
    print(lines, { verified: false, code, message });
    if (!options.json) fail(new SomaError(code, message));
    return 1;
  };
  const receipt = readFile(path, "RECEIPT_UNREADABLE", MAX_RECEIPT_BYTES);
  if (!receipt.ok) return refuse(receipt);
  const genesisFile = readFile(options.genesisPath, "GENESIS_UNREADABLE", MAX_RECEIPT_BYTES);
  if (!genesisFile.ok) return refuse(genesisFile);
  const genesis = decodeGenesis(genesisFile.value);
  if (!genesis.ok) {
    return refuse({
      code: "GENESIS_MALFORMED",
      message: `${options.genesisPath} is not a genesis file: ${genesis.message}`,
    });
  }
  const tokenizerPath = options.tokenizerPath ?? join(ROOT, "models/tokenizer/text.model");
  const tokenise = await loadTokenise(tokenizerPath, genesis.value);
  if (!tokenise.ok) return refuse(tokenise);

  const deps = { verifier: nativeVerifier, tokenise: tokenise.value };
  const verdict = verifyReceipt(receipt.value, genesis.value, deps);
  if (!verdict.ok) {
    return refuse(verdict, refused(verdict.code));
  }
  print(genuine(receipt.value.length, verdict.value, options.nameOf), genuineJson(verdict.value));
  return 0;
}

function readFile(path: string, code: string, maxBytes: number): Result<Uint8Array> {
  try {
    const { size } = statSync(path);
    if (size > maxBytes) return err(code, `${path} has ${size} bytes, at most ${maxBytes} are read`);
    return ok(new Uint8Array(readFileSync(path)));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    const said = { ENOENT: "there is no such file", EISDIR: "it is a folder", EACCES: "it may not be read" };
    return err(code, `cannot read ${path}: ${said[reason as keyof typeof said] ?? reason}`);
  }
}
