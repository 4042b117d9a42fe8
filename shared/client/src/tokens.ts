import { TOKEN } from "@soma/protocol";

/** An amount in tokens, without needless zeros. */
export function formatAmount(amount: bigint): string {
  const whole = amount / TOKEN;
  const rest = (amount % TOKEN).toString().padStart(9, "0").replace(/0+$/, "");
  return rest === "" ? `${whole}` : `${whole}.${rest}`;
}
