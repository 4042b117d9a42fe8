import { describe, expect, test } from "vitest";
import { News } from "./news.ts";

const free = () => () => undefined;
const staying = new AbortController().signal;
const never = async () => undefined;

describe("news", () => {
  test("answers with what is there at once, and after a wake", async () => {
    const news = new News(8, free);
    expect(await news.until("a", { ms: 0, gone: staying, client: undefined }, async () => 1)).toBe(1);
    let found: number | undefined;
    const waiting = news.until(
      "a",
      { ms: 60_000, everyMs: 60_000, gone: staying, client: undefined },
      async () => found,
    );
    await Promise.resolve();
    found = 2;
    news.wake("a");
    expect(await waiting).toBe(2);
  });

  test("lets a bounded number wait, and those that leave make room", async () => {
    const news = new News(2, free);
    const left = new AbortController();
    const wait = (gone: AbortSignal) => news.until("a", { ms: 60_000, gone, client: undefined }, never);
    const waiting = [wait(left.signal), wait(left.signal)];
    await expect(wait(staying)).rejects.toMatchObject({ code: "GATEWAY_BUSY" });
    // Who does not wait takes no place.
    expect(await news.until("a", { ms: 0, gone: staying, client: undefined }, async () => 3)).toBe(3);
    left.abort();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    const next = wait(staying);
    news.close();
    expect(await next).toBeUndefined();
  });

  test("one client's waits leave room for another's", async () => {
    const open: string[] = [];
    const news = new News(8, (client) => {
      if (open.filter((one) => one === client).length >= 2) throw new Error("its share");
      open.push(client!);
      return () => void open.splice(open.indexOf(client!), 1);
    });
    const wait = (client: string) => news.until("a", { ms: 60_000, gone: staying, client }, never);
    const waiting = [wait("greedy"), wait("greedy")];
    await expect(wait("greedy")).rejects.toThrow("its share");
    waiting.push(wait("other"));
    expect(open).toHaveLength(3);
    news.close();
    await Promise.all(waiting);
    expect(open).toEqual([]);
  });

  test("a look that fails leaves nothing behind", async () => {
    const news = new News(1, free);
    for (let i = 0; i < 3; i++) {
      const failing = news.until("a", { ms: 60_000, gone: staying, client: undefined }, () =>
        Promise.reject(new Error("down")),
      );
      await expect(failing).rejects.toThrow("down");
    }
    expect(await news.until("a", { ms: 1, gone: staying, client: undefined }, async () => 1)).toBe(1);
  });
});
