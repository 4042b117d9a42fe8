/** Refill per second and the most that may stand unused. */
export interface BucketLimits {
  readonly perSecond: number;
  readonly burst: number;
}

export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

export function fullBucket(limits: BucketLimits, nowMs: number): TokenBucket {
  return { tokens: limits.burst, atMs: nowMs };
}

/** Takes `cost` tokens, or gives undefined and leaves the bucket as it was. A clock that goes back refills nothing. */
export function takeTokens(
  bucket: TokenBucket,
  limits: BucketLimits,
  cost: number,
  nowMs: number,
): TokenBucket | undefined {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(limits.burst, bucket.tokens + (elapsedMs * limits.perSecond) / 1000);
  return tokens < cost ? undefined : { tokens: tokens - cost, atMs: Math.max(bucket.atMs, nowMs) };
}

/** What one peer may send: messages and bytes, both at once. */
export interface PeerLimits {
  readonly messages: BucketLimits;
  readonly bytes: BucketLimits;
}

export interface PeerBuckets {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
}

export function fullBuckets(limits: PeerLimits, nowMs: number): PeerBuckets {
  return { messages: fullBucket(limits.messages, nowMs), bytes: fullBucket(limits.bytes, nowMs) };
}

/** Takes one message of `bytes` bytes, or gives undefined. */
export function takeMessage(
  buckets: PeerBuckets,
  limits: PeerLimits,
  bytes: number,
  nowMs: number,
): PeerBuckets | undefined {
  const messages = takeTokens(buckets.messages, limits.messages, 1, nowMs);
  const left = takeTokens(buckets.bytes, limits.bytes, bytes, nowMs);
  return messages === undefined || left === undefined ? undefined : { messages, bytes: left };
}
