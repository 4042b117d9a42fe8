import { Rng } from "@soma/base";

/** Shares of the further documents in a made vector, of the first one's weight. */
const SHARES = [0.45, 0.3, 0.15];

/**
 * Vectors with the structure of real ones, as many as wanted: each is one of `real`, drawn by the seed, with random
 * shares of three others added, positive or negative. They stay in the directions that real vectors have, and gather
 * about them.
 */
export function* likeReal(real: readonly Int16Array[], count: number, seed: number): Generator<Int16Array> {
  const rng = new Rng(seed);
  const drawn = () => real[rng.u32() % real.length]!;
  // The sum of three uniforms: bell-shaped, in [-1.5, 1.5].
  const bell = () => rng.float() + rng.float() + rng.float() - 1.5;
  for (let i = 0; i < count; i++) {
    const base = drawn();
    const others = SHARES.map((share) => ({ vector: drawn(), weight: share * bell() }));
    yield Int16Array.from(base, (x, j) => {
      let sum = x;
      for (const { vector, weight } of others) sum += weight * vector[j]!;
      return Math.round(Math.max(-32767, Math.min(32767, sum)));
    });
  }
}
