/** deploy/kubernetes as far as it can be told without a cluster: YAML whose ports, paths, mounts and times are those of the configuration in it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { parse, parseAllDocuments } from "yaml";
import { readConfig as readApproval } from "../../services/approval/config.ts";
import { readConfig as readDecision } from "../../services/decision/config.ts";
import { addressesOf } from "../harness/http-page.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "deploy/kubernetes");
const SAMPLES: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://approval@db.internal/approval?sslmode=verify-full",
  COUNTERSIGN_KAFKA_SASL_PASSWORD: "only for this test",
  COUNTERSIGN_WEBHOOK_SECRET: "whsec_b25seSBmb3IgdGhpcyB0ZXN0IGFuZCBubyBvdGhlcg==",
};

type Probe = { readonly httpGet: { readonly path: string; readonly port: string }; readonly timeoutSeconds?: number };
type Container = {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
};
type Volume = {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  readonly configMap?: { readonly name: string };
};
type Pod = {
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
};
type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: Pod };
    readonly selector: object;
    readonly serviceName?: string;
    readonly clusterIP?: string;
    readonly podSelector: object;
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[];
    readonly ingress: readonly { readonly ports: readonly { readonly port: number }[] }[];
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
};

const manifests: Manifest[] = [];
let scratch: string;
let page: string;
const before = { ...process.env };

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "kubernetes-"));
  page = await readFile(join(root, "docs/kubernetes.md"), "utf8");
  for (const file of await readdir(folder)) {
    // As Kubernetes reads it: 0440 is octal.
    for (const document of parseAllDocuments(await readFile(join(folder, file), "utf8"), { version: "1.1" })) {
      expect([file, document.errors, document.warnings]).toEqual([file, [], []]);
      manifests.push(document.toJS());
    }
  }
});
afterEach(() => void (process.env = { ...before }));
afterAll(() => rm(scratch, { recursive: true, force: true }));

function manifest(kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

const PROGRAMS = [
  {
    ...{ program: "approval", kind: "Deployment", readConfig: readApproval },
    ports: { rest: ["rest", "port"], redemption: ["redemption", "port"], ops: ["ops", "port"] },
  },
  {
    ...{ program: "decision", kind: "StatefulSet", readConfig: readDecision },
    ports: { check: ["listen", "port"], ops: ["ops", "port"] },
  },
] as const;

const nameOf = (program: string) => `countersign-${program}`;
const textOf = (program: string) => manifest("ConfigMap", nameOf(program)).data?.[`${program}.yaml`] ?? "";
const podOf = (kind: string, program: string) => manifest(kind, nameOf(program)).spec.template.spec;

/** Absolute paths anywhere in it. */
function pathsIn(node: unknown): readonly string[] {
  if (typeof node === "string") return node.startsWith("/") ? [node] : [];
  return typeof node === "object" && node !== null ? Object.values(node).flatMap(pathsIn) : [];
}

test("every object has a kind and a name that no other has", () => {
  const names = manifests.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`);
  expect(names.length).toBeGreaterThan(9);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.includes("undefined"))).toEqual([]);
});

describe.each(PROGRAMS)("the $program service", ({ program, kind, readConfig, ports: keys }) => {
  async function check(text: string, env: Container["env"]) {
    const path = join(scratch, `${program}.yaml`);
    await writeFile(path, text);
    const set = env.map(({ name, value = "pod-0" }) =>
      name.endsWith("_FILE")
        ? [name.slice(0, -"_FILE".length), SAMPLES[name.slice(0, -"_FILE".length)]]
        : [name, value],
    );
    process.env = { ...before, ...Object.fromEntries(set) };
    return readConfig(["--config", path, "--check-config"]);
  }

  test("accepts its configuration with the variables of its pod, and no key or variable that there is not", async () => {
    const [{ env, args }] = podOf(kind, program).containers;
    expect(args).toEqual([`services/${program}/main.ts`, "--config", `/etc/countersign/config/${program}.yaml`]);
    expect(await check(textOf(program), env)).toMatchObject({ kind: "exit", code: 0 });
    expect(await check(`${textOf(program)}\ndrainMillis: 1\n`, env)).toMatchObject({ kind: "exit", code: 78 });
    const more = [...env, { name: "COUNTERSIGN_DRAIN_MILLIS", value: "1" }];
    expect(await check(textOf(program), more)).toMatchObject({ kind: "exit", code: 78 });
  });

  test("opens the ports of its configuration; its Service and its NetworkPolicy name them, and the page has a row for each", () => {
    const config: unknown = parse(textOf(program));
    const [container] = podOf(kind, program).containers;
    const opened = container.ports?.map(({ name, containerPort }) => [name, containerPort]);
    expect(opened).toEqual(
      Object.entries(keys).map(([name, path]) => [
        name,
        path.reduce((at: unknown, key: string) => Object(at)[key], config),
      ]),
    );
    for (const [name, port] of opened ?? []) expect(page).toContain(`| ${port} | \`${name}\`, ${program} |`);
    const byName = new Map(container.ports?.map(({ name, containerPort }) => [name, containerPort]));
    const { spec: service } = manifest("Service", nameOf(program));
    expect(service.ports.map(({ port, targetPort }) => [port, byName.get(targetPort)])).toEqual(
      opened?.filter(([name]) => name !== "ops").map(([, port]) => [port, port]),
    );
    const { labels } = manifest(kind, nameOf(program)).spec.template.metadata;
    expect(service.selector).toEqual(labels);
    const policy = manifest("NetworkPolicy", nameOf(program)).spec;
    expect(policy.podSelector).toEqual({ matchLabels: labels });
    expect(policy.ingress.flatMap(({ ports }) => ports.map(({ port }) => port))).toEqual([...byName.values()]);
  });

  test("is probed at addresses that its operators' port has, which kubelets reach; readiness kills nothing", async () => {
    const [{ startupProbe, readinessProbe, livenessProbe }] = podOf(kind, program).containers;
    expect([startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet)).toEqual([
      { path: "/healthz", port: "ops" },
      { path: "/readyz", port: "ops" },
      { path: "/healthz", port: "ops" },
    ]);
    expect(await addressesOf(`${program}, \`ops.port\``)).toEqual(expect.arrayContaining(["/healthz", "/readyz"]));
    expect(parse(textOf(program))).toMatchObject({ ops: { host: "0.0.0.0" } });
    expect(readinessProbe.timeoutSeconds).toBeGreaterThanOrEqual(1);
  });

  test("is given the time that its end takes", () => {
    const { containers, terminationGracePeriodSeconds } = podOf(kind, program);
    const { noticeMs = 0, drainMs }: { noticeMs?: number; drainMs: number } = parse(textOf(program));
    const waits = Number(containers[0].lifecycle?.preStop.exec.command[1] ?? 0);
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(waits + (noticeMs + drainMs) / 1_000 + 7);
    expect(waits > 0 || noticeMs > 0).toBe(true); // or callers would be sent to a closed port
  });
});

const PODS = [
  ["Deployment", "approval", "approval"],
  ["Job", "migrate", "approval"],
  ["StatefulSet", "decision", "decision"],
] as const;

describe.each(PODS)("%s %s", (kind, name, program) => {
  test("has a mount for every path that it is told, writes only where its data are, and every mount has its volume", () => {
    const { containers, volumes } = podOf(kind, name);
    const [{ env, volumeMounts, args }] = containers;
    const claims = manifest(kind, nameOf(name)).spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name) ?? [];
    expect(volumeMounts.map((mount) => mount.name).toSorted()).toEqual(
      [...volumes.map((volume) => volume.name), ...claims].toSorted(),
    );
    const readable = volumeMounts.filter((mount) => mount.readOnly === true).map(({ mountPath }) => `${mountPath}/`);
    const told = [...env.flatMap(({ value = "" }) => pathsIn(value)), ...pathsIn(args)];
    // A migration reads the configuration and none of the files that it names.
    const named = kind === "Job" ? [] : pathsIn(parse(textOf(program)));
    const isUnder = (path: string) => readable.some((mount) => path.startsWith(mount));
    const others = [...told, ...named].filter((path) => !isUnder(path));
    const writable = volumeMounts.filter((mount) => mount.readOnly !== true).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(kind === "Job" ? [] : ["/var/lib/countersign"]);
    for (const path of others) expect(path).toMatch(/^\/var\/lib\/countersign\//);
  });

  test("runs as nobody in particular, with a root that it cannot write, and gets no variables of Services", () => {
    const pod = podOf(kind, name);
    expect(pod).toMatchObject({ enableServiceLinks: false, automountServiceAccountToken: false });
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const modes = pod.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret.defaultMode]));
    expect(new Set(modes)).toEqual(new Set([0o440]));
  });

  test("refers to nothing that is not in the manifests or in the page's table, with the files that are read from it", () => {
    const { containers, volumes } = podOf(kind, name);
    const [{ env, volumeMounts }] = containers;
    const paths = [...env.flatMap(({ value = "" }) => pathsIn(value)), ...pathsIn(parse(textOf(program)))];
    for (const { name: volume, secret, configMap } of volumes) {
      const object = secret?.secretName ?? configMap?.name;
      if (object === undefined || volume === "config") continue;
      const row = page
        .split("\n")
        .find((line) => line.startsWith(`| \`${object}\` | ${secret === undefined ? "ConfigMap" : "Secret"} |`));
      const mount = volumeMounts.find((one) => one.name === volume)?.mountPath;
      const files = paths.filter((path) => path.startsWith(`${mount}/`)).map((path) => path.slice(`${mount}/`.length));
      expect([object, row]).toEqual([object, expect.any(String)]);
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) expect(row).toContain(`\`${file}\``);
    }
  });
});

test("decision services are found pod by pod, and only by whoever they know", () => {
  const { spec } = manifest("Service", "countersign-decision");
  expect(spec.clusterIP).toBe("None");
  expect(manifest("StatefulSet", "countersign-decision").spec.serviceName).toBe("countersign-decision");
});
