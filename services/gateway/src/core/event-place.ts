/** A place in a sequence of events: number `whole` is told whole, and `offset` events of the one after it. */
export interface Place {
  readonly whole: bigint;
  readonly offset: number;
}

/** Where a reader of events stands: the same places at every validator's gateway. */
export interface EventPosition {
  readonly commits: Place;
  readonly checkpoints: Place;
}

const FORM = /^([0-9]{1,18})\.([0-9]{1,9})-([0-9]{1,18})\.([0-9]{1,9})$/;

/** The id of the event after which a reader stands so. */
export function formatEventId({ commits, checkpoints }: EventPosition): string {
  return `${commits.whole}.${commits.offset}-${checkpoints.whole}.${checkpoints.offset}`;
}

/** Undefined for text that is no event's id. */
export function parseEventId(text: string): EventPosition | undefined {
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const [, commit, commitOffset, checkpoint, checkpointOffset] = parts;
  return {
    commits: { whole: BigInt(commit!), offset: Number(commitOffset) },
    checkpoints: { whole: BigInt(checkpoint!), offset: Number(checkpointOffset) },
  };
}

/** Negative if `a` comes before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1;
  return a.offset - b.offset;
}
