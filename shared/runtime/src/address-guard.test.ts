import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Telemetry } from "@soma/telemetry";
import { afterEach, describe, expect, test } from "vitest";
import { AddressGuard, type ResolvedAddress } from "./address-guard.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function guard(
  allowed: readonly string[] = [],
  resolve?: (name: string) => Promise<readonly ResolvedAddress[]>,
): AddressGuard {
  const telemetry = Telemetry.silent("guard");
  const made = new AddressGuard({ allowed, telemetry, ...(resolve === undefined ? {} : { resolve }) });
  open.push(made);
  return made;
}

/** A server that says its own name. */
async function server(address: string, port = 0, location?: string): Promise<number> {
  const made: Server = createServer((_, response) => {
    if (location !== undefined) response.writeHead(302, { location }).end();
    else response.end(address);
  });
  await new Promise<void>((resolve) => made.listen(port, address, resolve));
  open.push({ close: () => made.close().closeAllConnections() });
  return (made.address() as AddressInfo).port;
}

const answers = (...addresses: string[]) =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

describe("an address", () => {
  test.each([
    ["loopback", "127.0.0.1"],
    ["loopback of IPv6", "[::1]"],
    ["private", "10.1.2.3"],
    ["private too", "172.31.255.255"],
    ["private as well", "192.168.0.1"],
    ["link-local, where clouds keep their credentials", "169.254.169.254"],
    ["link-local of IPv6", "[fe80::1]"],
    ["unique-local", "[fd00:ec2::254]"],
    ["carrier-grade", "100.64.0.1"],
    ["unspecified", "0.0.0.0"],
    ["unspecified of IPv6", "[::]"],
    ["broadcast", "255.255.255.255"],
    ["multicast", "224.0.0.1"],
    ["for benchmarks", "198.18.0.1"],
    ["reserved", "240.0.0.1"],
    ["IPv4 within IPv6", "[::ffff:127.0.0.1]"],
    ["IPv4 within IPv6, in hex", "[::ffff:7f00:1]"],
    ["translated to IPv4", "[64:ff9b::7f00:1]"],
    ["IPv4 within IPv6 of old", "[::127.0.0.1]"],
    ["of no public network", "[4000::1]"],
    ["6to4", "[2002:7f00:1::]"],
    ["Teredo", "[2001:0:7f00:1::]"],
  ])("that is %s (%s) is refused", async (_, host) => {
    await expect(guard().addressOf(host)).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
    await expect(guard().fetch(`http://${host}:1/`)).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
  });

  test.each(["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"])(
    "that is loopback in another writing (%s) is refused",
    async (url) => {
      await expect(guard().fetch(url)).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
    },
  );

  test("that is public is taken, and so is one of an allowed network", async () => {
    expect(await guard().addressOf("93.184.215.14")).toBe("93.184.215.14");
    expect(await guard().addressOf("[2606:4700::1111]")).toBe("2606:4700::1111");
    const near = guard(["10.0.0.0/8", "::1", "127.0.0.2"]);
    expect(await near.addressOf("10.9.9.9")).toBe("10.9.9.9");
    expect(await near.addressOf("::1")).toBe("::1");
    expect(await near.addressOf("::ffff:127.0.0.2")).toBe("::ffff:127.0.0.2");
    await expect(near.addressOf("127.0.0.1")).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
    await expect(near.addressOf("::2")).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
  });

  test("of an allowance that is none ends the start", () => {
    for (const text of ["10.0.0.0/40", "localhost", ""]) {
      expect(() => guard([text])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });
});

describe("a name", () => {
  test("of which one address is internal is refused, as is one without any", async () => {
    const mixed = guard([], async () => answers("93.184.215.14", "10.0.0.1"));
    await expect(mixed.addressOf("mixed.example")).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
    await expect(mixed.fetch("http://mixed.example/")).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
    const none = guard([], () => Promise.reject(new Error("ENOTFOUND")));
    await expect(none.addressOf("none.example")).rejects.toMatchObject({ code: "ADDRESS_UNKNOWN" });
    await expect(none.fetch("http://none.example/")).rejects.toMatchObject({ code: "ADDRESS_UNKNOWN" });
  });

  test("of this machine is refused", async () => {
    await expect(guard().fetch("http://localhost:8080/")).rejects.toMatchObject({ code: "ADDRESS_INTERNAL" });
  });

  test("is resolved once, and the address that was checked is connected to", async () => {
    const port = await server("127.0.0.2");
    await server("127.0.0.1", port);
    const asked: string[] = [];
    // Its name server answers something else the second time.
    const rebinding = guard(["127.0.0.2"], async (name) => {
      asked.push(name);
      return answers(asked.length === 1 ? "127.0.0.2" : "127.0.0.1");
    });
    const answer = await rebinding.fetch(`http://rebinding.example:${port}/`);
    expect(await answer.text()).toBe("127.0.0.2");
    expect(asked).toEqual(["rebinding.example"]);
  });
});

describe("a fetch", () => {
  test("follows no redirect, whatever it is told", async () => {
    const port = await server("127.0.0.2", 0, "http://127.0.0.1:1/");
    const near = guard(["127.0.0.2"]);
    await expect(near.fetch(`http://127.0.0.2:${port}/`, { redirect: "follow" })).rejects.toThrow(TypeError);
  });

  test("is of HTTP alone", async () => {
    await expect(guard().fetch("file:///etc/passwd")).rejects.toMatchObject({ code: "ADDRESS_SCHEME" });
    await expect(guard().fetch("data:,x")).rejects.toMatchObject({ code: "ADDRESS_SCHEME" });
  });
});
