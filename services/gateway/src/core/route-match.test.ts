import { describe, expect, test } from "vitest";
import { nearestRoutes, pathMatches } from "./route-match.ts";

describe("routes by their patterns", () => {
  test.each([
    ["/v1/jobs/:job", "/v1/jobs/ab", true],
    ["/v1/jobs/:job", "/v1/jobs/", false],
    ["/v1/jobs/:job", "/v1/jobs/ab/shard", false],
    ["/v1/jobs", "/v1/jobs", true],
    ["/v1/jobs", "/v1/job", false],
  ])("%s takes %s: %s", (pattern, path, matches) => expect(pathMatches(pattern, path)).toBe(matches));

  test("the nearest come first, however the path is wrong", () => {
    const routes = ["/v1/head", "/v1/jobs", "/v1/jobs/:job", "/v1/accounts/:address"].map((url) => ({ url }));
    const nearest = (path: string) => nearestRoutes(routes, path, 1)[0]!.url;
    expect(nearest("/v1/heads")).toBe("/v1/head");
    expect(nearest("/v1/job/abcdef")).toBe("/v1/jobs/:job");
    expect(nearest("/v1/account/abcdef")).toBe("/v1/accounts/:address");
    expect(nearest("/head")).toBe("/v1/head");
    expect(nearestRoutes(routes, `/${"x".repeat(100_000)}`, 9)).toHaveLength(4);
  });
});
