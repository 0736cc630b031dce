/**
 * How the decision service starts or refuses to: everything that is wrong is named together (each by itself: config/unsafe.test.ts), and
 * what comes from where.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fine, refusal, secrets, start, tls, TOKEN } from "../../test/samples/decision-config.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decision-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("refused", () => {
  test("several unsafe combinations are named together", async () => {
    const text = await refusal({ ...fine, listen: { host: "0.0.0.0", keyPath: "k" }, state: { trustedKeys: {} } }, {});
    expect(text.split("\n").map((line) => line.split(" (")[0])).toEqual([
      "78 listen.certPath",
      "listen.host",
      "redemption.serviceToken",
      "state.trustedKeys",
    ]);
  });

  test("an empty configuration names everything that it needs", async () => {
    const text = await refusal({}, {});
    for (const key of ["deployment", "signing.kid", "signing.keyPath", "decisionLog.folder"]) {
      expect(text).toContain(`${key} (COUNTERSIGN_`);
    }
  });

  test("without a compatibility policy: an approval service that is not named, and no key of its relay", async () => {
    const { redemption: _, state: __, ...rest } = fine;
    const text = await refusal(rest);
    expect(text).toContain("redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is missing");
  });

  test("what opens a door in compatibility mode without the word unsafe, and a mode without a path", async () => {
    const compat = (section: object) => refusal({ ...fine, policy: { compat: section } });
    expect(await compat({ path: "a/allow", dryRun: true })).toContain("set policy.compat.unsafe to accept that");
    expect(await compat({ skipRequestBodyParse: true })).toContain("policy.compat.path");
    expect(await compat({ path: "//" })).toContain("names no rule");
  });

  test("what does not exist: a key, a variable, and a spelling of a safety setting", async () => {
    expect(await refusal({ ...fine, listen: { plainText: true } })).toContain("listen.plainText: is not a key");
    expect(await refusal(fine, { ...secrets, COUNTERSIGN_LISTEN_PLAIN_TEXT: "true" })).toContain(
      "COUNTERSIGN_LISTEN_PLAIN_TEXT: is not a variable of this program; remove it or correct its name",
    );
    expect(await refusal(fine, { ...secrets, COUNTERSIGN_DATABASE_MIGRATE: "true" })).toContain("is not a variable");
  });

  test("a secret in the file, which is not repeated", async () => {
    const text = await refusal({
      ...fine,
      redemption: { ...fine.redemption, serviceToken: "hunter2-hunter2-hunter2" },
    });
    expect(text).toContain(`redemption.serviceToken (${TOKEN}): is a secret and not allowed in the file`);
    expect(text).not.toContain("hunter2");
  });

  test("a secret's file that is not there", async () => {
    const text = await refusal(fine, { [`${TOKEN}_FILE`]: join(folder, "absent") });
    expect(text).toContain(`the file in ${TOKEN}_FILE cannot be read (ENOENT); correct its path or permissions`);
  });
});

describe("accepted", () => {
  test("what is fine, with defaults that open nothing beyond loopback", async () => {
    const started = await start(fine);
    expect(started).toMatchObject({
      kind: "run",
      config: {
        listen: { host: "127.0.0.1", plaintext: false },
        ops: { host: "127.0.0.1" },
        redemption: { plaintext: false },
        trustedProxies: 0,
      },
    });
  });

  test("plain text beyond loopback when it is asked for by name, and TLS without asking", async () => {
    expect(await refusal({ ...fine, listen: { host: "0.0.0.0", plaintext: true } })).toBe("accepted");
    expect(await refusal({ ...fine, listen: { host: "0.0.0.0", ...tls, clientCaPath: "ca" } })).toBe("accepted");
    const redemption = { address: "approval.internal:9201", tls: true, ...tls };
    expect(await refusal({ ...fine, redemption }, {})).toBe("accepted");
  });

  test("a secret from the file that its variable names", async () => {
    const file = join(folder, "token");
    await writeFile(file, "a token from a file, long\n");
    const started = await start(fine, { [`${TOKEN}_FILE`]: file });
    expect(started).toMatchObject({ config: { redemption: { serviceToken: "a token from a file, long" } } });
  });

  test("--check-config, which says so with exit code 0, names the files that are not here, and does not run", async () => {
    expect(await start(fine, secrets, "--check-config")).toEqual({
      kind: "exit",
      code: 0,
      text: [
        "configuration is valid; of the files that it names these cannot be read here:",
        "bundle.path: bundle: there is no such file",
        "bundle.trustedKeys.policy-1: policy.pem: there is no such file",
        "signing.keyPath: key.pem: there is no such file",
        "state.trustedKeys.approval-1: approval.pem: there is no such file",
      ].join("\n"),
    });
  });
});
