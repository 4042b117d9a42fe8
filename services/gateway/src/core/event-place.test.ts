import { expect, test } from "vitest";
import { comparePlaces, formatEventId, parseEventId } from "./event-place.ts";

test("an id says where its reader stands", () => {
  const position = { commits: { whole: 120n, offset: 5 }, checkpoints: { whole: 17n, offset: 0 } };
  expect(formatEventId(position)).toBe("120.5-17.0");
  expect(parseEventId("120.5-17.0")).toEqual(position);
});

test.each(["", "120", "120.5", "-1.0-0.0", "1.0-1.0 ", `${"9".repeat(19)}.0-0.0`, "1.0-1.0\n"])(
  "%j is no id",
  (text) => expect(parseEventId(text)).toBeUndefined(),
);

test("places are in the order of events", () => {
  const places = [
    { whole: 119n, offset: 0 },
    { whole: 119n, offset: 5 },
    { whole: 120n, offset: 0 },
  ];
  expect([...places].reverse().sort(comparePlaces)).toEqual(places);
});
