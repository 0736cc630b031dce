import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createAuthority, type CertificatePair } from "../../test/harness/certificates.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createCertificates } from "./certificates.ts";

const HOUR = 3_600_000;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "certificates-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("when each ends is a metric: of the last one read, of a chain the first that does, and none where none is shown", async () => {
  const ours = await createAuthority("ours");
  const metrics = createMetrics({ prefix: "t_" });
  const certificates = createCertificates(metrics);
  const [certPath, keyPath] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const place = async ({ cert, key }: CertificatePair) => {
    await writeFile(certPath, cert);
    await writeFile(keyPath, key);
  };
  const ends = async () =>
    [...(await metrics.expose()).text.matchAll(/^t_certificate_ends_timestamp_seconds\{part="(\w+)"\} (\d+)$/gm)].map(
      ([, part, at]) => [part, Number(at)],
    );
  const endOf = ({ cert }: CertificatePair) => new X509Certificate(cert).validToDate.getTime() / 1_000;

  expect(await certificates.server("rest", {})).toBeUndefined();
  expect(await certificates.client("redemption", { tls: true })).toMatchObject({ cert: null });
  expect(await ends()).toEqual([]);

  const [first, second] = [
    await ours.issue({ name: "a", use: "server", endsInMs: HOUR }),
    await ours.issue({ name: "a", use: "server", endsInMs: 3 * HOUR }),
  ];
  await place(first);
  await certificates.server("listen", { certPath, keyPath });
  await certificates.client("redemption", { tls: true, certPath, keyPath });
  await place(second);
  await certificates.server("listen", { certPath, keyPath });
  expect(await ends()).toEqual([
    ["listen", endOf(second)],
    ["redemption", endOf(first)],
  ]);

  const between = await ours.issue({ name: "between", use: "server", endsInMs: 2 * HOUR });
  await place({ cert: Buffer.concat([second.cert, Buffer.from("\n"), between.cert]), key: second.key });
  await certificates.server("listen", { certPath, keyPath });
  expect(await ends()).toContainEqual(["listen", endOf(between)]);

  await writeFile(certPath, "no certificate");
  await expect(certificates.server("listen", { certPath, keyPath })).rejects.toThrow();
  expect(await ends()).toContainEqual(["listen", endOf(between)]);

  await certificates.client("redemption", { tls: true });
  expect(await ends()).toEqual([["listen", endOf(between)]]);
});
