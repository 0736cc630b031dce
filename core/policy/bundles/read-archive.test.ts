/** Archives that an attacker, or a broken build, would send: each is refused by what it is, within the limits, and nothing of it is used. */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import tar from "tar-stream";
import { BUNDLE_LIMITS } from "./bundle-files.ts";
import { readArchive } from "./read-archive.ts";
import { writeArchive } from "./write-archive.ts";

type Entry = { readonly name: string; readonly content?: string | Buffer; readonly type?: tar.Header["type"] };

async function packed(entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { name, content = "", type = "file" } of entries) {
    pack.entry({ name, type: type ?? "file", ...(type === "file" ? {} : { linkname: "/etc/passwd" }) }, content);
  }
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function refusal(archive: Uint8Array, limits = BUNDLE_LIMITS): Promise<string> {
  const outcome = await readArchive([archive], { limits }).then(
    (files) => `accepted ${[...files.keys()].join()}`,
    (error: unknown) => (Error.isError(error) && "detail" in error ? String(error.detail) : `fault ${String(error)}`),
  );
  return outcome;
}

const archived = async (...entries: readonly Entry[]) => refusal(gzipSync(await packed(entries)));

describe("refused", () => {
  test.each([
    "../policy.wasm",
    "a/../../policy.wasm",
    "/../etc/passwd",
    "a//b",
    ".",
    "a/./b",
    "a\\..\\b",
    "//data.json",
    "new\nline",
    "x".repeat(300),
  ])("a name that leads elsewhere or has two readings: %j", async (name) => {
    expect(await archived({ name, content: "x" })).toBe("an entry has a name that no file of a bundle has");
  });

  test.each(["data.json", "/data.json", "./data.json"])("the same file twice, the second time as %s", async (name) => {
    expect(await archived({ name: "data.json", content: "{}" }, { name, content: "{}" })).toBe(
      "data.json is there twice",
    );
  });

  test.each(["symlink", "link", "character-device", "block-device", "fifo"] as const)("a %s", async (type) => {
    expect(await archived({ name: "policy.wasm", type })).toBe(`an entry is a ${type} and not a file`);
  });

  test("a bomb: 200 MB of zeros in 200 KB, as one file, as many, and as the name of one", async () => {
    const zeros = Buffer.alloc(200 * 1024 * 1024);
    expect(await archived({ name: "policy.wasm", content: zeros })).toContain("policy.wasm is larger than 16777216");
    const slices = Array.from({ length: 250 }, (_, at) => ({ name: `f${at}`, content: zeros.subarray(0, 800_000) }));
    expect(await archived(...slices)).toContain("larger than 33554432 bytes when it is unpacked");
    const header = Buffer.from((await packed([{ name: "x", content: "a".repeat(1_000) }])).subarray(0, 512));
    header.write("L", 156); // GNU's long name: its content is the name of the next entry
    header.write((50_000_000).toString(8).padStart(11, "0"), 124);
    header.fill(" ", 148, 156);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    expect(await refusal(gzipSync(Buffer.concat([header, zeros.subarray(0, 50_000_000)])))).toContain("damaged");
  });

  test("200 MB that do not compress, at the limit and not at the end", async () => {
    let sent = 0;
    const endless = async function* () {
      for (const chunk = randomBytes(1024 * 1024); sent < 200; sent++) yield chunk;
    };
    await expect(readArchive(endless())).rejects.toMatchObject({ code: "invalid_bundle" });
    expect(sent).toBeLessThan(40);
    const limits = { ...BUNDLE_LIMITS, archiveBytes: 1_000 };
    const archive = gzipSync(await packed([{ name: "a", content: randomBytes(5_000) }]));
    expect(await refusal(archive, limits)).toBe("the archive is larger than 1000 bytes");
  });

  test("more entries than any bundle has, folders counted too", async () => {
    const folders = Array.from({ length: 1_001 }, (_, at) => ({ name: `f${at}/`, type: "directory" as const }));
    expect(await archived(...folders)).toBe("there are more than 1000 entries");
  });

  test("what is cut off anywhere, or is no archive at all", async () => {
    const whole = await writeArchive(new Map([["policy.wasm", randomBytes(3_000)]]));
    for (let length = 0; length < whole.length; length += 97) {
      expect(await refusal(whole.subarray(0, length))).toBe("the archive is no tar.gz, or damaged");
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.boolean(), async (bytes, zip) => {
        const text = await refusal(zip ? gzipSync(bytes) : bytes);
        expect(text).not.toContain("fault");
      }),
      { numRuns: 200 },
    );
  });
});

test("an abort ends it with the abort's reason, and a fault of the source with that fault", async () => {
  const never = async function* () {
    yield Buffer.from([0x1f, 0x8b]);
    await new Promise(() => {});
  };
  const stop = new AbortController();
  const reading = readArchive(never(), { signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(reading).rejects.toThrow("enough");
  const broken = async function* () {
    yield Buffer.from([0x1f, 0x8b]);
    throw new Error("connection lost");
  };
  await expect(readArchive(broken())).rejects.toThrow("connection lost");
});

test("names as OPA and as tar write them are the same file, and what is written is read again", async () => {
  const files = await readArchive([
    gzipSync(
      await packed([
        { name: "./a/", type: "directory" },
        { name: "./a/data.json", content: "{}" },
        { name: "/policy.wasm", content: "w" },
      ]),
    ),
  ]);
  expect([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
    ["a/data.json", "{}"],
    ["policy.wasm", "w"],
  ]);
  const archive = await writeArchive(files);
  expect(await readArchive([archive])).toEqual(files);
  expect(await writeArchive(new Map([...files].toReversed()))).toEqual(archive);
});
