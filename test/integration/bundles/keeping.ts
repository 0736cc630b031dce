/** The keeper with everything real around it, for one test: a bundle server, signatures, a disk and the policy host. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { activateFiles } from "../../../core/policy/activate-files.ts";
import { createDiskSource } from "../../../core/policy/bundles/disk-source.ts";
import { createHttpSource } from "../../../core/policy/bundles/http-source.ts";
import { createKeeper, type BundleKeeper, type KeeperEvent, type Take } from "../../../core/policy/bundles/keeper.ts";
import { createKeptBundle } from "../../../core/policy/bundles/kept-bundle.ts";
import { createTrustedKeys } from "../../../core/policy/bundles/trusted-keys.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { type Clock, systemClock } from "../../../platform/clock.ts";
import { type BundleServer, startBundleServer } from "../../harness/bundle-server.ts";
import { bundleKey, changed, nowSeconds, sampleFiles, signedArchive } from "../../harness/signed-bundle.ts";

export const key = bundleKey("policy-1");
export const sample = await sampleFiles();
export const trust = {
  keys: createTrustedKeys(new Map([["policy-1", key.publicPem]])),
  scope: "",
  unsigned: "refused" as const,
};
export const INPUT = JSON.stringify({
  action: { name: "GET" },
  parsed_path: ["orders"],
  subject: { properties: { groups: ["engineers"] } },
});

type Kept = {
  readonly keeper: BundleKeeper;
  readonly host: PolicyHost;
  readonly events: readonly KeeperEvent[];
};

type KeepOptions = {
  readonly builtins?: typeof BUILTINS;
  readonly waitSeconds?: number;
  /** A folder or a file in place of the server. */
  readonly path?: string;
  /** In place of the host's own activation. */
  readonly take?: Take;
  readonly clock?: Clock;
  /** How long the server may take; as in production unless given. */
  readonly times?: NonNullable<Parameters<typeof createHttpSource>[0]["times"]>;
};

export type Keeping = AsyncDisposable & {
  readonly folder: string;
  /** Where the last good bundle is. */
  readonly keptFolder: string;
  readonly server: BundleServer;
  /** A process, as it were: each call is another one on the same disk. */
  keep(options?: KeepOptions): Promise<Kept>;
};

export async function startKeeping(): Promise<Keeping> {
  const owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "keeper-"));
  owned.defer(() => rm(folder, { recursive: true }));
  const server = owned.use(await startBundleServer());
  const keptFolder = join(folder, "kept");

  async function keep(options: KeepOptions = {}): Promise<Kept> {
    const { builtins = BUILTINS, waitSeconds = 0, path, take, clock = systemClock, times } = options;
    const host = createPolicyHost(
      { builtins, randomBytes, monotonicMs: systemClock.monotonicMs },
      { defaultRealm: "corp", budget: DEFAULT_BUDGET, warmUps: 2 },
    );
    const events: KeeperEvent[] = [];
    const source =
      path === undefined
        ? owned.use(createHttpSource({ url: server.url, waitSeconds, token: "s3cret", ...(times && { times }) }))
        : createDiskSource(path);
    const keeper = await createKeeper(
      {
        source,
        take: take ?? (({ files, proof }) => activateFiles(host, files, proof?.validUntil)),
        kept: createKeptBundle(keptFolder),
        trust,
        clock,
        signal: new AbortController().signal,
        onEvent: (event) => events.push(event),
      },
      { pollMs: 50 },
    );
    return { keeper: owned.use(keeper), host, events };
  }

  return {
    folder,
    keptFolder,
    server,
    keep,
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
    },
  };
}

export const allows = (host: PolicyHost) => host.decide(INPUT, { nowNs: 0n }).verdict.kind === "allow";

/** The sample under another revision and with `changes`, signed `ago` seconds before now. */
export const signedAt = (revision: string, ago = 0, changes: Parameters<typeof changed>[2] = {}) =>
  signedArchive(changed(sample, revision, changes), key, { issuedAt: nowSeconds() - ago });
