import { isHex, SomaError } from "@soma/base";
import { TOKEN } from "@soma/protocol";

/** Reads an amount in tokens ("12.5"), at most nine decimals. @throws SomaError CLI_AMOUNT */
export function parseAmount(text: string): bigint {
  const match = /^([0-9]{1,12})(?:\.([0-9]{1,9}))?$/.exec(text);
  if (match === null)
    throw new SomaError(
      "CLI_AMOUNT",
      `${text} is not an amount in tokens, such as 12.5 (at most nine decimals)`,
    );
  return BigInt(match[1]!) * TOKEN + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** Reads an address: 64 lower-case hex digits. @throws SomaError CLI_ADDRESS */
export function parseAddress(text: string): string {
  if (!isHex(text, 32)) {
    throw new SomaError(
      "CLI_ADDRESS",
      `${text} is not an address: 64 lower-case hex digits, as soma account shows it`,
    );
  }
  return text;
}
