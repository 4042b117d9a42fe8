import { utf8 } from "@soma/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InboundGuard } from "./inbound-guard.ts";

const MAX = 1000;
const take = (...chunks: readonly string[]) => {
  const guard = new InboundGuard(MAX);
  return chunks.map((chunk) => guard.take(utf8(chunk)));
};

describe("the guard of a server's bytes", () => {
  test("passes what a server says, wherever it is cut", () => {
    const whole =
      'INFO {"max_payload":1048576}\r\n+OK\r\nPING\r\nPONG\r\nMSG net.a.down 1 5\r\nMSG x\r\n' +
      "HMSG net.a.down 2 reply.to 12 17\r\nNATS/1.0\r\n\r\nhello\r\nMSG a 1 0\r\n\r\n-ERR 'Stale Connection'\r\n";
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, i) => whole.slice(places[i], end));
        expect(take(...chunks).every((wrong) => wrong === undefined)).toBe(true);
      }),
    );
  });

  test.each([
    ["a message beyond the bound", `MSG a 1 ${MAX + 1}\r\n`, "a message of 1001 bytes, at most 1000"],
    ["a size that no machine has", "MSG a 1 900000000000\r\n", "a line that is not of the protocol"],
    ["headers and body beyond the bound", "HMSG a 1 12 4000000000\r\n", "a message of 4000000000 bytes"],
    ["no size", "MSG a 1 -5\r\n", "a line that is not of the protocol"],
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n", "a line that is not of the protocol"],
    ["a body longer than announced", "MSG a 1 1\r\nxxxxxx\r\n", "a line that is not of the protocol"],
  ])("refuses %s", (_, bytes, wrong) => {
    expect(take(bytes)[0]).toContain(wrong);
  });

  test("refuses a line without end, and keeps no more of it than the bound", () => {
    const guard = new InboundGuard(MAX);
    const chunk = new Uint8Array(32 * 1024).fill(65);
    expect([guard.take(chunk), guard.take(chunk), guard.take(chunk)]).toEqual([
      undefined,
      undefined,
      "a line of more than 65536 bytes",
    ]);
  });
});
