/**
 * Each import rule is proven by a small tree in import-rules/fixtures that breaks it in every way that the checker claims to
 * see, and by one tree that comes close to breaking them and does not. The messages are part of the proof: they are what a
 * contributor reads.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { checkTree } from "./import-rules/check-tree.ts";

const fixtures = path.join(import.meta.dirname, "import-rules/fixtures");

const expected: Readonly<Record<string, readonly string[]>> = {
  "no-rule-broken": [],
  "rule-0-development-package": [
    "core/policy/random.ts:1 imports fast-check: rule 0, fast-check is a development dependency and not there in production",
  ],
  "rule-0-unresolvable": [
    "platform/load.ts:1 imports a computed name: rule 0, what is imported must be readable from the text",
    "platform/load.ts:2 imports ./gone.ts: rule 0, there is no such file",
  ],
  "rule-1-domain": [
    "core/domain/grant.ts:1 imports node:crypto: rule 1, the domain imports only the domain, not node:crypto",
    "core/domain/grant.ts:2 imports pg: rule 1, the domain imports only the domain, not pg",
    "core/domain/grant.ts:3 imports ../../platform/log.ts: rule 1, the domain imports only the domain",
  ],
  "rule-1-purity": [
    "core/domain/now.ts:1 rule 1, the domain is pure: no Date.now",
    "core/domain/now.ts:2 rule 1, the domain is pure: no new Date()",
    "core/domain/now.ts:4 rule 1, the domain is pure: no Math.random",
    "core/domain/now.ts:5 rule 1, the domain is pure: no async",
    "core/domain/now.ts:6 rule 1, the domain is pure: no await",
    "core/domain/now.ts:8 rule 1, the domain is pure: no process.env",
  ],
  "rule-2-core-path": [
    "services/approval/commands/review-request.ts:1 imports pg: rule 2, imports core/domain and its own ports.ts, not pg",
    "services/approval/commands/review-request.ts:3 imports ./cancel-request.ts: rule 2, imports core/domain and its own ports.ts, nothing else",
    "services/approval/commands/review-request.ts:4 imports ../../../platform/log.ts: rule 2, imports core/domain and its own ports.ts, nothing else",
    "services/decision/evaluate.ts:1 imports ../../core/messages/digest.ts: rule 2, imports core/domain and its own ports.ts, nothing else",
  ],
  "rule-3-adapters": [
    "services/approval/rest/migrating.ts:1 imports ../migrate.ts: rule 3, an adapter reaches main.ts only through ports",
    "services/approval/rest/migrating.ts:2 imports ../main/loops.ts: rule 3, an adapter reaches main.ts only through ports",
    "services/approval/rest/routes.ts:1 imports ../store/query.ts: rule 3, adapter rest imports adapter store",
    "services/approval/rest/routes.ts:2 imports ../commands/review.ts: rule 3, an adapter reaches the core path only through ports",
    "services/approval/rest/routes.ts:3 imports ../config.ts: rule 3, an adapter reaches config.ts only through ports",
  ],
  "rule-4-wire-types": [
    "services/decision/ext-authz/translate.ts:1 imports ../../../proto/gen/redemption.ts: rule 4, wire types are not passed on",
    "services/decision/ports.ts:1 imports pg: rule 4, ports speak the domain's words, not those of pg",
    "services/decision/ports.ts:2 imports ../../proto/gen/redemption.ts: rule 4, ports speak the domain's words: they import core",
  ],
  "rule-5-environment": [
    "platform/log.ts:1 rule 5, only config.ts reads process.env",
    "platform/log.ts:2 rule 5, only config.ts reads process.env",
    "platform/log.ts:3 rule 5, only config.ts reads process.env",
  ],
  "rule-6-services": [
    "services/approval/main.ts:1 imports ../decision/evaluate.ts: rule 6, approval and decision never import each other",
    "services/decision/grants/view.ts:1 imports ../../approval/ports.ts: rule 6, decision and approval never import each other",
  ],
  "rule-7-core": [
    "core/policy/host.ts:1 imports ../identity/token.ts: rule 7, core/policy imports core/domain, core/messages, platform and npm",
    "core/policy/host.ts:2 imports ../../proto/gen/check.ts: rule 7, core/policy imports core/domain, core/messages, platform and npm",
    "platform/log.ts:1 imports ../core/domain/id.ts: rule 7, platform imports nothing of ours",
  ],
  "rule-8-edges": [
    "cli/verify.ts:1 imports ../services/approval/publish/sealer.ts: rule 8, cli imports core and platform",
    "enforcers/node/gateway.ts:1 imports ../../core/domain/id.ts: rule 8, an enforcer imports proto/gen, platform and npm",
    "scripts/seed.ts:1 imports ../services/approval/main.ts: rule 8, scripts imports core and platform",
  ],
  "rule-9-test-and-sample": [
    "scripts/run.ts:1 imports ../test/harness/clock.ts: rule 9, nothing imports test or sample",
    "services/decision/main.ts:1 imports ../../sample/token-issuer/key.ts: rule 9, nothing imports test or sample",
  ],
  "rule-10-barrel": ["core/domain/index.ts:1 rule 10, no barrels: this file only passes on what others export"],
  "rule-10-cycle": [
    "core/domain/a.ts -> core/domain/b.ts -> core/domain/c.ts -> core/domain/a.ts: rule 10, an import cycle",
  ],
  "rule-10-folder-names": [
    "platform/utils: rule 10, a folder's name says what is inside",
    "services/decision/lib: rule 10, a folder's name says what is inside",
  ],
  "rule-11-inner-rooms": [
    "core/policy/builtins/net.ts:2 imports ../policy-host.ts: rule 11, a built-in takes values and gives one, and knows neither modules nor the host that calls it",
    "core/policy/builtins/net.ts:3 imports ../../../platform/log.ts: rule 11, a built-in takes values and gives one, and knows neither modules nor the host that calls it",
    "core/policy/rego-value/value.ts:1 imports ../builtin.ts: rule 11, a value of Rego knows nobody who uses it",
    "sample/one-machine/set.ts:2 imports ../story/teller.ts: rule 11, the set of one machine starts programs and imports none, nor what plays with it",
    "sample/one-machine/set.ts:3 imports ../../services/decision/config.ts: rule 11, the set of one machine starts programs and imports none, nor what plays with it",
    "sample/one-machine/set.ts:4 imports ../../test/harness/clock.ts: rule 11, the set of one machine starts programs and imports none, nor what plays with it",
  ],
};

describe("a tree that breaks a rule is reported with file, line, rule and reason", () => {
  test.each(Object.entries(expected))("%s", async (name, lines) => {
    expect(await checkTree(path.join(fixtures, name))).toEqual(lines);
  });
});

test("every rule from 1 to 11 has a tree that breaks it, and every tree is used", async () => {
  const reported = Object.values(expected).flat().join("\n");
  const rules = Array.from({ length: 11 }, (_, index) => index + 1);
  expect(rules.filter((rule) => !reported.includes(`rule ${rule},`))).toEqual([]);
  expect((await readdir(fixtures)).toSorted()).toEqual(Object.keys(expected).toSorted());
});
