/** The country database on a real file: what it finds, what it refuses, and that a bad file never takes the place of a good one, under load. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Reader } from "mmdb-lib";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { type CountryDatabase, openCountryDatabase } from "../../../services/decision/context/country-database.ts";
import { makeMmdb } from "../../harness/mmdb.ts";
import { makeVendorLikeMmdb } from "../../harness/vendor-like-mmdb.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const country = (code: string) => ({ country: { iso_code: code }, continent: { code: "EU" } });
const GOOD = makeMmdb({
  "192.0.2.0/24": country("DE"),
  "198.51.100.0/25": country("FR"),
  "203.0.113.7/32": country("NZ"),
});
const NEXT = makeMmdb({ "192.0.2.0/24": country("PL") });

let folder: string;
let path: string;
let open: CountryDatabase | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "country-"));
  path = join(folder, "country.mmdb");
});
afterEach(async () => {
  jest.restoreAllMocks();
  await open?.[Symbol.asyncDispose]();
  open = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(bytes: Buffer, lookEveryMs = 3_600_000): Promise<CountryDatabase> {
  await writeFile(path, bytes);
  const deps = { log: createLog({ name: "test", level: "silent" }), metrics: createMetrics({ prefix: "t_" }) };
  open = await openCountryDatabase({ ...deps, signal: AbortSignal.timeout(120_000) }, { path, lookEveryMs });
  return open;
}

/** As a program that keeps databases current does it: the new file takes the place of the old one at once. */
async function swap(bytes: Buffer): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

const flipped = (bytes: Buffer, from: number, to: number) => {
  const copy = Buffer.from(bytes);
  copy.fill(0xff, from, to);
  return copy;
};
const BAD: readonly (readonly [string, Buffer])[] = [
  ["empty", Buffer.alloc(0)],
  ["cut before its description", GOOD.subarray(0, GOOD.length - 60)],
  ["cut at its beginning", GOOD.subarray(120)],
  ["another kind of file", Buffer.from("<html>not found</html>".repeat(40))],
  ["a database without countries", makeMmdb({ "192.0.2.0/24": { autonomous_system_number: 64_496 } })],
  ["a database whose countries are no codes", makeMmdb({ "192.0.2.0/24": { country: "Germany" } })],
  ["a database whose tree is broken", flipped(GOOD, 0, 60)],
];

describe("an address", () => {
  test.each([
    ["198.51.100.128", "beside every network"],
    ["203.0.113.8", "beside one of a single address"],
    ["2001:db8::1", "of a kind that the file does not have"],
    ["not an address", "that is none"],
    ["", "that is empty"],
    ["192.0.2.1.5", "of five parts"],
  ])("%s, %s, has no country", async (address) => {
    expect((await start(GOOD)).find(address)).toBeUndefined();
  });

  test.each([
    ["192.0.2.0", "DE"],
    ["192.0.2.255", "DE"],
    ["198.51.100.127", "FR"],
    ["203.0.113.7", "NZ"],
    ["::ffff:192.0.2.9", "DE"],
  ])("%s is in %s, with the age of what says so", async (address, code) => {
    expect((await start(GOOD)).find(address)).toEqual({ code, databaseBuilt: new Date(1_790_000_000_000) });
  });

  test.each([
    ["country_code", { country_code: "de" }],
    ["country as text", { country: "DE" }],
  ])("is found where the vendor writes %s", async (_name, record) => {
    expect((await start(makeMmdb({ "192.0.2.0/24": record }))).find("192.0.2.1")?.code).toBe("DE");
  });
});

describe.each([24, 28, 32] as const)(
  "a file of IP version 6 with records of %i bits, as vendors make them",
  (recordSize) => {
    const both = makeMmdb(
      {
        "192.0.2.0/24": country("DE"),
        "203.0.113.7/32": country("NZ"),
        "2001:db8::/32": country("FR"),
        "2a00:1::/48": country("PL"),
        "2a00:1:1::1/128": country("SE"),
      },
      { ipVersion: 6, recordSize },
    );

    test.each(["192.0.3.0", "203.0.113.6", "2001:db9::", "2a00:1:1::2", "2a00:1:1::", "::1", "fe80::1"])(
      "%s is in no country",
      async (address) => {
        expect((await start(both)).find(address)).toBeUndefined();
      },
    );

    test.each([
      ["192.0.2.255", "DE"],
      ["::ffff:192.0.2.9", "DE"],
      ["203.0.113.7", "NZ"],
      ["2001:db8::1", "FR"],
      ["2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff", "FR"],
      ["2a00:1:0:ffff::", "PL"],
      ["2a00:1:1::1", "SE"],
    ])("%s is in %s", async (address, code) => {
      expect((await start(both)).find(address)?.code).toBe(code);
    });

    test("counts as well when it has one of the two kinds of address alone, and not when it has no country", async () => {
      const only = (networks: Parameters<typeof makeMmdb>[0]) => makeMmdb(networks, { ipVersion: 6, recordSize });
      const database = await start(only({ "2a00:1::/48": country("PL") }));
      expect([database.find("2a00:1::5")?.code, database.find("192.0.2.1")]).toEqual(["PL", undefined]);
      await swap(only({ "192.0.2.0/24": country("DE") }));
      await database.reload(path);
      expect([database.find("192.0.2.1")?.code, database.find("2a00:1::5")]).toEqual(["DE", undefined]);
      await swap(only({ "2a00:1::/48": { autonomous_system_number: 64_496 } }));
      await expect(database.reload(path)).rejects.toThrow("holds no country");
      await swap(flipped(both, 0, recordSize));
      await expect(database.reload(path)).rejects.toThrow("country database");
      expect(database.find("192.0.2.1")?.code).toBe("DE");
    });
  },
);

test("an IPv6 address is not taken for the IPv4 network that its first bits are", async () => {
  const database = await start(makeMmdb({ "32.1.0.0/16": country("US") }));
  expect(database.find("32.1.13.184")?.code).toBe("US");
  expect(database.find("2001:db8::1")).toBeUndefined();
});

describe("a file that is", () => {
  test.each(BAD)("%s is refused at the start", async (_name, bytes) => {
    await expect(start(bytes)).rejects.toThrow();
  });

  test.each(BAD)(
    "%s does not take the place of a good one at SIGHUP, and the good one goes on",
    async (_name, bytes) => {
      const database = await start(GOOD);
      await swap(bytes);
      await expect(database.reload(path)).rejects.toThrow("country database");
      expect(database.find("192.0.2.1")?.code).toBe("DE");
      await swap(NEXT);
      await database.reload(path);
      expect(database.find("192.0.2.1")?.code).toBe("PL");
    },
  );

  test("gone does not take it away", async () => {
    const database = await start(GOOD);
    await rm(path);
    await expect(database.reload(path)).rejects.toThrow("country database");
    expect(database.find("192.0.2.1")?.code).toBe("DE");
  });
});

describe("a file with many networks and whole records, as vendors make them,", () => {
  const vendors = makeVendorLikeMmdb("DE");

  test("does not hold the event loop while it is looked through: 64 networks in a turn, and others have theirs in between", async () => {
    const database = await start(vendors);
    const lookedAt = jest.spyOn(Reader.prototype, "getWithPrefixLength");
    let done = false;
    const reloading = database.reload(path).finally(() => (done = true));
    let most = 0;
    let before = 0;
    while (!done) {
      await turn();
      most = Math.max(most, lookedAt.mock.calls.length - before);
      before = lookedAt.mock.calls.length;
    }
    await reloading;
    expect(most).toBeLessThanOrEqual(64);
    expect(before).toBeGreaterThan(8_000);
  });

  test("is not decoded again for a network that was asked about before, and goes on saying the same", async () => {
    const database = await start(vendors);
    const first = database.find("18.1.2.3");
    const decoded = jest.spyOn(Buffer.prototype, "toString");
    expect([database.find("18.1.2.3"), database.find("18.1.200.3")]).toEqual([first, first]);
    expect([first?.code, decoded.mock.calls.length]).toEqual(["DE", 0]);
  });

  test("does not take the place of one that was asked for later and is there already", async () => {
    const database = await start(GOOD);
    const later = join(folder, "later.mmdb");
    await writeFile(later, NEXT);
    await swap(vendors);
    const reloading = database.reload(path);
    await database.reload(later);
    expect(database.find("192.0.2.1")?.code).toBe("PL");
    await reloading;
    expect([database.find("192.0.2.1")?.code, database.find("18.1.2.3")]).toEqual(["PL", undefined]);
  });

  test("counts when the one that was asked for later is refused", async () => {
    const database = await start(GOOD);
    await swap(vendors);
    const reloading = database.reload(path);
    await expect(database.reload(join(folder, "none.mmdb"))).rejects.toThrow("country database");
    await reloading;
    expect(database.find("18.1.2.3")?.code).toBe("DE");
  });
});

test("good and bad files that take turns under load: every answer is of a good one, and the last good one arrives by itself", async () => {
  const database = await start(GOOD, 5);
  const seen = new Set<string | undefined>();
  let swapping = true;
  const load = (async () => {
    while (swapping) {
      for (let count = 0; count < 500; count += 1) seen.add(database.find("192.0.2.1")?.code);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let round = 0; round < 10; round += 1) {
    for (const [, bytes] of BAD) {
      await swap(bytes);
      await writeFile(path, GOOD.subarray(0, 200)); // half written in place
    }
    await swap(round % 2 === 0 ? NEXT : GOOD);
  }
  await swap(NEXT);
  await waitUntil("the last good file to count", 30_000, async () => database.find("192.0.2.1")?.code === "PL");
  swapping = false;
  await load;
  expect(seen).toEqual(new Set(["DE", "PL"]));
});
