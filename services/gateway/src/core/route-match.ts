import { distance } from "fastest-levenshtein";

/** Whether a path is one of a route's pattern (`/v1/jobs/:job`). */
export function pathMatches(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith(":") ? given[i] !== "" : part === given[i]))
  );
}

/** The routes whose patterns are nearest to a path that none has, nearest first. */
export function nearestRoutes<T extends { readonly url: string }>(
  routes: readonly T[],
  path: string,
  count: number,
): T[] {
  // A long path is no route's, and comparing takes time by its length.
  const given = path.slice(0, 256).split("/");
  const ranked = routes.map((route) => ({ route, far: farness(route.url.split("/"), given) }));
  return ranked
    .sort((a, b) => a.far - b.far || (a.route.url < b.route.url ? -1 : 1))
    .slice(0, count)
    .map(({ route }) => route);
}

/** Letters to change, segment by segment; a parameter stands for anything. */
function farness(wanted: readonly string[], given: readonly string[]): number {
  let far = 0;
  for (let i = 0; i < Math.max(wanted.length, given.length); i++) {
    const part = wanted[i];
    const text = given[i];
    if (part === undefined || text === undefined) far += 4;
    else if (!part.startsWith(":")) far += distance(part, text);
    else far += text === "" ? 4 : 1;
  }
  return far;
}
