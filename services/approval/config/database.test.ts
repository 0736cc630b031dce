/** What the approval service takes as the address of its database. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createConfigStart } from "../../../test/harness/config-start.ts";
import { ApprovalConfigSchema, PREFIX, unsafeTogether } from "../config.ts";

const issuer = { issuer: "https://a.example", audience: ["a"], algorithms: ["RS256"], jwks_uri: "https://a.example/k" };
const fine = {
  deployment: "test",
  kafka: { brokers: ["kafka:9092"] },
  bundle: { path: "bundle", trustedKeys: { "policy-1": "policy.pem" } },
  identity: { issuers: [issuer] },
  signing: { kid: "approval-1", keyPath: "key.pem" },
  decisionServices: { trustedKeys: { "decision-1": "decision.pem" } },
};
const token = { COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "a token of sixteen and more" };
const { start, refusal } = createConfigStart(
  { schema: ApprovalConfigSchema, prefix: PREFIX, rules: unsafeTogether },
  token,
);

test.each([
  [
    "of another kind",
    "mysql://u:hunter2@h/d",
    "is not an address of PostgreSQL; write it as postgres://user:password@host/database",
  ],
  ["beyond loopback and in plain text", "postgres://u:hunter2@db.internal/d", "is beyond loopback and without sslmode"],
])("one %s is refused, and not repeated", async (_, DATABASE_URL, says) => {
  const said = await refusal(fine, { ...token, DATABASE_URL });
  expect(said).toMatch(/^78 /);
  expect(said).toContain(`database.url (DATABASE_URL): ${says}`);
  expect(said).not.toContain("hunter2");
});

test("it comes from a file, as containers get it; in plain text if that is said", async () => {
  const folder = await mkdtemp(join(tmpdir(), "database-url-"));
  const file = join(folder, "database-url");
  await writeFile(file, "postgres://u:p@h/d?sslmode=disable\n");
  const started = await start(fine, { ...token, DATABASE_URL_FILE: file });
  await rm(folder, { recursive: true });
  expect(started).toMatchObject({ config: { database: { url: "postgres://u:p@h/d?sslmode=disable" } } });
});
