import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type CertificatePair, createAuthority } from "../../test/harness/certificates.ts";
import { reasonOf } from "../lifecycle/cannot-start.ts";
import { kafkaSettings } from "../stream/kafka-config.ts";
import { readAuthorities, readClientTls, readServerTls } from "./pem-files.ts";

let folder: string;
let [a, b] = ["", ""];
let pair: CertificatePair;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pem-"));
  const [ours, theirs] = [await createAuthority("ours"), await createAuthority("theirs")];
  [a, b] = [`${String(ours.ca).trim()}\n`, `${String(theirs.ca).trim()}\n`];
  pair = await ours.issue({ name: "decision", use: "server" });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

const block = (label: string) =>
  `-----BEGIN ${label}-----\n${Buffer.from(label).toString("base64")}\n-----END ${label}-----\n`;
const PART = "it contains part of a certificate, or something that is not a certificate";
const BAD: readonly (readonly [string, () => string, string])[] = [
  ["empty", () => "", "it contains no certificate"],
  ["another kind of file", () => "<html>not found</html>", "it contains no certificate"],
  ["half a certificate", () => a.slice(0, 200), PART],
  ["one and half another", () => a + b.slice(0, 200), PART],
  ["half one and another", () => a.slice(0, 200) + b, PART],
  ["one and the end of another", () => a + b.slice(200), PART],
  ["two, the second without the end of its last line", () => a + b.trim().slice(0, -3), PART],
  ["one and the first dashes of another", () => `${a}--`, PART],
  [
    "one and a key",
    () => a + String(pair.key),
    "it contains a private key (PRIVATE KEY), which is not needed to trust an authority; remove it",
  ],
  [
    "one and a request",
    () => a + block("CERTIFICATE REQUEST"),
    "it contains a block CERTIFICATE REQUEST beside certificates; remove it",
  ],
  ["one and part of a block", () => `${a}-----BEGIN X509 CRL----`, PART],
  [
    "two, the second cut within",
    () => `${a}${b.slice(0, 200)}\n-----END CERTIFICATE-----\n`,
    "certificate 2 of 2 in it cannot be read",
  ],
];

/** What OpenSSL takes, and somebody may count on. */
test.each([
  ["TRUSTED CERTIFICATE", "whose list of uses is not applied here; rewrite each as a plain one (openssl x509 -in"],
  ["X509 CRL", "which is not applied here; remove it, and replace the authority"],
])("authorities with a %s among them are refused, with what to do", async (label, what) => {
  const path = await file("openssl.pem", `${a}${block(label)}${b}`);
  await expect(readAuthorities(path).catch(reasonOf)).resolves.toContain(what);
});

describe("authorities: a file that is", () => {
  test.each(BAD)("%s is refused, in words that may be shown", async (_name, content, why) => {
    const path = await file("bad.pem", content());
    await expect(readAuthorities(path).catch(reasonOf)).resolves.toBe(`${path}: ${why}`);
  });

  test.each(BAD)("%s is refused by clients, servers and those of brokers", async (_name, content) => {
    const path = await file("bad.pem", content());
    const certPath = await file("cert.pem", pair.cert);
    const keyPath = await file("key.pem", pair.key);
    await expect(readClientTls({ tls: true, caPath: path })).rejects.toThrow(path);
    await expect(readServerTls({ certPath, keyPath, clientCaPath: path })).rejects.toThrow(path);
    const kafka = { brokers: ["kafka.internal:9093"], tls: true, caPath: path };
    await expect(kafkaSettings(kafka, "test")).rejects.toThrow(path);
  });

  test("of several, with comments and other ends of lines, is read whole", async () => {
    const path = await file("good.pem", `# Ours\n${a}\nTheirs\n======\n${b.replaceAll("\n", "\r\n")}\n \n`);
    const read = await readAuthorities(path);
    expect(read.split("BEGIN CERTIFICATE").length).toBe(3);
    expect(read).not.toContain("Ours");
    expect((await readClientTls({ tls: true, caPath: path }))?.ca?.toString()).toBe(read);
  });
});
