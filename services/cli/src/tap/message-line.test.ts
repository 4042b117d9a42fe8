import { PeerMessageReceived } from "@soma/contracts";
import type { TappedMessage } from "@soma/runtime";
import { expect, test } from "vitest";
import { messageJson, messageText } from "./message-line.ts";

const payload = PeerMessageReceived.encode({ sender: "5e".repeat(32), body: new Uint8Array(900) });
const tapped: TappedMessage = {
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  message: PeerMessageReceived,
  subject: PeerMessageReceived.subjectFor("test", { type: "block" }),
  size: payload.length,
  traceId: "7c".repeat(16),
  payload,
  body: PeerMessageReceived.decode(payload),
};
const undecodable: TappedMessage = {
  ...tapped,
  size: 2,
  payload: Uint8Array.of(1, 2),
  body: PeerMessageReceived.decode(Uint8Array.of(1, 2)),
};

test("a line of what passed and when, the body under it, within the terminal", () => {
  const [head, ...body] = messageText(tapped, { full: false, columns: 60 }).split("\n");
  expect(head).toMatch(/^[0-9:.]{12} {2}peering\.received {2}block {2,}932 B {2}trace 7c7c7c7c$/);
  expect(body.join("").replaceAll("  ", "")).toBe(
    `{"sender":"5e5e5e5e5e5e…","body":"900 bytes ${"00".repeat(16)}…"}`,
  );
  expect(Math.max(...body.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("in full nothing is cut", () => {
  const text = messageText(tapped, { full: true, columns: 60 });
  expect(text).toContain("00".repeat(900));
  expect(text).toContain(tapped.traceId);
});

test("bytes that are no message are shown as such, with the code", () => {
  expect(messageText(undecodable, { full: false, columns: 80 })).toContain(
    "MESSAGE_INVALID: shorter than an operator's id; 2 bytes 0102",
  );
  expect(messageJson(undecodable, false)).toMatchObject({ code: "MESSAGE_INVALID", bytes: "2 bytes 0102" });
  expect(messageJson(undecodable, false)).not.toHaveProperty("body");
});

test("as an object: time, name, subject, size, trace and body", () => {
  expect(messageJson(tapped, true)).toEqual({
    at: "2026-01-02T03:04:05.006Z",
    message: "peering.received",
    version: 1,
    subject: "soma.v1.test.peering.received.block",
    size: 932,
    traceId: "7c".repeat(16),
    body: { sender: "5e".repeat(32), body: "00".repeat(900) },
  });
});
