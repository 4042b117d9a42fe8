/** Who holds each partition, by number; null where nobody does. */
export type Owners = readonly (string | null)[];

export interface Division {
  /** Partitions that nobody holds and that fall to this replica. */
  readonly take: readonly number[];
  /** Partitions of this replica that others are short of. */
  readonly give: readonly number[];
}

/**
 * What one replica does so that all come to hold an equal number of partitions, give or take one, with as few moves as
 * it takes. Each replica decides for itself from the same facts; `members` are the living ones, this one among them.
 */
export function dividePartitions(owners: Owners, members: readonly string[], self: string): Division {
  const held = new Map(members.map((member) => [member, 0]));
  for (const owner of owners) if (owner !== null && held.has(owner)) held.set(owner, held.get(owner)! + 1);
  // The larger parts go to those that hold most already, so that nothing moves for the sake of order.
  const ranked = [...held].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([member]) => member);
  const larger = owners.length % members.length;
  const target = Math.floor(owners.length / members.length) + (ranked.indexOf(self) < larger ? 1 : 0);
  const own = owners.flatMap((owner, partition) => (owner === self ? [partition] : []));
  const free = owners.flatMap((owner, partition) => (owner === null ? [partition] : []));
  return { take: free.slice(0, Math.max(0, target - own.length)), give: own.slice(target) };
}
