/**
 * Everything in this repository that a program wrote, in one list: `npm run generate` runs them all in this order, `npm run
 * check` runs them and fails when a file changed. A generator takes no arguments, writes only below its `outputs`, and
 * writes the same bytes every time.
 */

export type Generator = {
  /** From the root. */
  readonly script: string;
  /** Folders or files from the root; the files in them are compared, apart from what people write beside them. */
  readonly outputs: readonly string[];
  /** Cannot run without it. */
  readonly tool?: "opa";
};

export const generators: readonly Generator[] = [
  { script: "scripts/generate-proto.ts", outputs: ["proto/gen"] },
  { script: "scripts/generate-descriptors.ts", outputs: ["proto/descriptor"] },
  { script: "scripts/generate-golden.ts", outputs: ["core/messages/golden"] },
  { script: "scripts/generate-rego-schema.ts", outputs: ["rego/countersign/schema"] },
  { script: "scripts/build-bundle.ts", outputs: ["rego/bundle", "rego/capabilities.json"], tool: "opa" },
  { script: "services/approval/rest/write-openapi.ts", outputs: ["docs/openapi.json"] },
  { script: "services/decision/authzen/write-openapi.ts", outputs: ["docs/openapi-decision.json"] },
  { script: "services/approval/rest/write-problems.ts", outputs: ["docs/problems.md"] },
  { script: "services/decision/ext-authz/write-problems.ts", outputs: ["docs/problems-decision.md"] },
  { script: "services/decision/write-config-schema.ts", outputs: ["docs/config/decision.schema.json"] },
  { script: "services/approval/write-config-schema.ts", outputs: ["docs/config/approval.schema.json"] },
  { script: "enforcers/node/write-config-schema.ts", outputs: ["docs/config/gateway.schema.json"] },
  { script: "scripts/generate-config-page.ts", outputs: ["docs/config.md"] },
  { script: "scripts/generate-metrics-page.ts", outputs: ["docs/metrics.md"] },
  { script: "scripts/generate-policy-guide.ts", outputs: ["docs/policy-guide.md"] },
  { script: "scripts/bundle-packages/write-specifiers.ts", outputs: ["scripts/bundle-packages/specifiers.json"] },
  { script: "scripts/generate-readme-figures.ts", outputs: ["README.md"] },
  { script: "scripts/generate-compose-envoy.ts", outputs: ["deploy/compose/envoy.yaml"] },
];
