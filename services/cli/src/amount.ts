import { isHex, SomaError } from "@soma/base";
import { TOKEN } from "@soma/protocol";

const U64_MAX = 2n ** 64n - 1n;

/** Reads an amount in tokens ("12.5"), at most nine decimals. @throws SomaError CLI_AMOUNT */
export function parseAmount(text: string): bigint {
  const match = /^([0-9]{1,12})(?:\.([0-9]{1,9}))?$/.exec(text);
  if (match === null)
    throw new SomaError(
      "CLI_AMOUNT",
      `${text} is not an amount in tokens, such as 12.5 (at most nine decimals)`,
    );
  const amount = BigInt(match[1]!) * TOKEN + BigInt((match[2] ?? "").padEnd(9, "0"));
  if (amount > U64_MAX)
    throw new SomaError("CLI_AMOUNT", `${text} tokens are more than any account holds; give less`);
  return amount;
}

/** Reads an amount to send or stake: more than nothing. @throws SomaError CLI_AMOUNT */
export function parsePositive(text: string): bigint {
  const amount = parseAmount(text);
  if (amount === 0n) throw new SomaError("CLI_AMOUNT", "0 tokens move nothing; give more");
  return amount;
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
