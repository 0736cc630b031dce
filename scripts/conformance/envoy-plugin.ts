/**
 * Cases of opa-envoy-plugin against our real gRPC server in compatibility mode. Each case has to give the recorded answer
 * (under `compat.unsafe`, where gRPC errors and dry runs exist) and the recorded input document, which a policy in place
 * of the case's own hands out; and where the plugin answered with a gRPC error, the same server without `unsafe` has to
 * deny explicitly. Format of the cases: the README beside them.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { resolveTool } from "../tools/resolve-tool.ts";
import type { CaseOutcome, Say } from "./case-outcome.ts";
import { buildPolicy, type Compiler } from "./envoy-plugin/build-policy.ts";
import { type CheckMessages, loadCheckMessages } from "./envoy-plugin/check-messages.ts";
import { documentText, responseText } from "./envoy-plugin/compare.ts";
import { type Answer, type DecisionProcess, startDecisionProcess } from "./envoy-plugin/decision-process.ts";
import { type PluginCase, readPluginCases, type ServerSettings, settingsKey } from "./envoy-plugin/read-cases.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Hands out the document that it sees, in hexadecimal: a header cannot carry what is not UTF-8. */
const ECHO = [
  {
    path: "policy.rego",
    text: 'package envoy.authz\n\nallow := {"allowed": true, "headers": {"x-input": hex.encode(json.marshal(input))}}\n',
  },
];
const ECHO_PATH = "envoy/authz/allow";

type Miss = { readonly want: string; readonly got: string };

export async function runEnvoyPluginCases(directory: string, say: Say, note: Say): Promise<readonly CaseOutcome[]> {
  const cases = await readPluginCases(directory);
  const tool = await resolveTool("opa", { fetch: true, say });
  if (tool.kind === "missing") throw new Error(`opa is missing: ${tool.reason}; ${tool.help}`);
  const messages = await loadCheckMessages(root);
  const misses = new Map<PluginCase, Miss>();
  const noteMiss = (one: PluginCase, miss: Miss | undefined) => {
    if (miss !== undefined && !misses.has(one)) misses.set(one, miss);
  };

  const answered = grouped(cases, (one) => one);
  const seen = grouped(
    cases.filter((one) => one.observed.input_text !== null),
    (one) => ({ ...one, policy: ECHO, query_path: ECHO_PATH, options: { ...one.options, "dry-run": false } }),
  );
  const refused = grouped(
    cases.filter((one) => one.observed.grpc_error !== null),
    (one) => ({ ...one, options: { ...one.options, "dry-run": false } }),
  );
  note(
    `${cases.length} cases, ${answered.length} servers for answers, ${seen.length} for inputs, ${refused.length} without unsafe`,
  );

  await onServers(answered, tool, "unsafe", async (server, one) => {
    noteMiss(one, answerMiss(one, await server.check(messages.requestBytes(one)), messages));
  });
  await onServers(seen, tool, "unsafe", async (server, one) => {
    noteMiss(one, inputMiss(one, await server.check(messages.requestBytes(one)), messages));
  });
  await onServers(refused, tool, "safe", async (server, one) => {
    noteMiss(one, openMiss(await server.check(messages.requestBytes(one)), messages));
  });
  return cases.map((one) => {
    const id = `${one.group}/${one.name}`;
    const miss = misses.get(one);
    return miss === undefined ? { kind: "passed", id } : { kind: "missed", id, ...miss };
  });
}

type Group = { readonly settings: ServerSettings; readonly cases: PluginCase[] };

function grouped(cases: readonly PluginCase[], settingsOf: (one: PluginCase) => ServerSettings): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const one of cases) {
    const settings = settingsOf(one);
    const key = settingsKey(settings);
    const group = groups.get(key) ?? { settings, cases: [] };
    groups.set(key, group);
    group.cases.push(one);
  }
  return [...groups.values()];
}

const AT_ONCE = 2;

async function onServers(
  groups: readonly Group[],
  opa: Compiler,
  mode: "safe" | "unsafe",
  run: (server: DecisionProcess, one: PluginCase) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let group = groups[next++]; group !== undefined; group = groups[next++]) {
      const files = await mkdtemp(path.join(tmpdir(), "countersign-conformance-files-"));
      try {
        const bundle = await buildPolicy(opa, group.settings.policy, group.settings.query_path);
        await using server = await startDecisionProcess(root, bundle, await compatSection(group.settings, mode, files));
        for (const one of group.cases) await run(server, one);
      } finally {
        await rm(files, { recursive: true });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function compatSection({ query_path, options, files }: ServerSettings, mode: "safe" | "unsafe", folder: string) {
  for (const file of files ?? []) await writeFile(path.join(folder, file.path), Buffer.from(file.base64, "base64"));
  const descriptor = options["proto-descriptor"];
  return {
    path: query_path,
    skipRequestBodyParse: options["skip-request-body-parse"] ?? false,
    ...(descriptor === undefined ? {} : { protoDescriptorPath: path.join(folder, descriptor) }),
    ...(mode === "unsafe" ? { unsafe: true, onError: "grpc_error", dryRun: options["dry-run"] ?? false } : {}),
  };
}

function answerMiss({ observed }: PluginCase, answer: Answer, messages: CheckMessages): Miss | undefined {
  const want =
    observed.grpc_error === null
      ? responseText(messages.normalised(observed.response))
      : `gRPC ${observed.grpc_error.code}: ${observed.grpc_error.message}`;
  const got = answerText(answer, messages);
  return want === got ? undefined : { want, got };
}

function answerText(answer: Answer, messages: CheckMessages): string {
  if (answer.kind === "error") return `gRPC ${answer.code}: ${answer.message}`;
  return responseText(messages.responseOf(answer.bytes));
}

function inputMiss({ observed }: PluginCase, answer: Answer, messages: CheckMessages): Miss | undefined {
  const text = answerText(answer, messages);
  const hex = /"key":"x-input","value":"([0-9a-f]+)"/.exec(text)?.[1];
  const want = documentText(observed.input_text ?? "null");
  if (hex === undefined) return { want: `input ${want}`, got: text };
  const got = documentText(Buffer.from(hex, "hex").toString("utf8"));
  return want === got ? undefined : { want: `input ${want}`, got: `input ${got}` };
}

/** Without `unsafe` every policy fault is an explicit denial. */
function openMiss(answer: Answer, messages: CheckMessages): Miss | undefined {
  const got = answerText(answer, messages);
  const isDenied = answer.kind === "response" && got.includes('"deniedResponse"') && got.includes('"code":7');
  return isDenied ? undefined : { want: "without unsafe: an explicit denial", got: `without unsafe: ${got}` };
}
