// Math.min and Math.max by another name: ARITH-3 lets no function of Math but sqrt near a decision.

export function lesser(a: number, b: number): number {
  if (b < a) return b;
  return a;
}

export function greater(a: number, b: number): number {
  if (b > a) return b;
  return a;
}
