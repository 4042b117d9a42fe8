import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Http } from "./http.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function gateway(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("http over several gateways", () => {
  test("one that redirects is not followed, whatever it says, and gives way to the next", async () => {
    const reached: string[] = [];
    const inside = await gateway((request, response) => {
      reached.push(request.method!);
      response.end("secret");
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const redirecting = await gateway((_, response) =>
        response.writeHead(status, { location: `${inside}/` }).end(),
      );
      const alone = new Http({ gateways: [redirecting], retries: 0 });
      const put = alone.request({ method: "PUT", path: "/v1/blobs/x", body: "data" });
      await expect(put).rejects.toMatchObject({ code: "GATEWAY_REDIRECT" });
      const honest = await gateway((_, response) => response.end("here"));
      const both = new Http({ gateways: [redirecting, honest], retries: 0 });
      expect(Buffer.from((await both.bytes({ path: "/" }))!).toString()).toBe("here");
    }
    expect(reached).toEqual([]);
  });

  test("one that dies in the midst of its answer gives way to the next", async () => {
    const dying = await gateway((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.socket?.destroy());
    });
    const well = await gateway((_, response) => void response.end("whole"));
    const http = new Http({ gateways: [dying, well] });
    expect(Buffer.from((await http.bytes({ path: "/" }))!).toString()).toBe("whole");
    expect(http.gateway).toBe(well);
  });

  test("a refusal is final, with its code", async () => {
    let asked = 0;
    const refusing = await gateway((_, response) => {
      asked++;
      response.writeHead(422).end(JSON.stringify({ status: 422, title: "NO", code: "NO", detail: "no" }));
    });
    await expect(new Http({ gateways: [refusing] }).json({ path: "/" })).rejects.toMatchObject({
      code: "NO",
      details: { status: 422 },
    });
    expect(asked).toBe(1);
  });

  test("no content is nothing, and so is not found", async () => {
    const empty = await gateway(
      ({ url }, response) => void response.writeHead(url === "/a" ? 204 : 404).end(),
    );
    const http = new Http({ gateways: [empty] });
    expect(await http.bytes({ path: "/a" })).toBeUndefined();
    expect(await http.bytes({ path: "/b" })).toBeUndefined();
  });

  test("a caller that stops is not kept by retries", async () => {
    const stop = new AbortController();
    const http = new Http({ gateways: ["http://127.0.0.1:9"], retries: 1_000, signal: stop.signal });
    const asking = http.json({ path: "/" });
    stop.abort();
    await expect(asking).rejects.toThrow();
  });
});
