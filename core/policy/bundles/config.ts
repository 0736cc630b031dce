/** The section `bundle` of a configuration, the same in both services: where policies come from and whose signature is accepted. */
import { type Static, Type } from "typebox";
import { hasCredentials, headerProblem } from "../../../platform/config/addresses.ts";
import type { ConfigFault } from "../../../platform/config/fault.ts";
import { closed, Path } from "../../../platform/config/fields.ts";
import { FileOrFolderPath, FilePath, FilesById } from "../../../platform/config/files.ts";
import { isLoopback } from "../../../platform/config/tls-rules.ts";
import { pathFaults } from "../compat-config.ts";

const Source = {
  path: FileOrFolderPath("The policy bundle: a folder or a tar.gz. Either this or url."),
  url: Path("The policy bundle on a server that speaks OPA's bundle protocol."),
  caPath: FilePath("With url: CA certificates (PEM), instead of the system's roots."),
  token: Type.Optional(
    Type.String({
      minLength: 1,
      "x-secret": true,
      description: "With url: bearer token for the server.",
    }),
  ),
};

export const BundleSchema = Type.Object(
  {
    ...Source,
    pollSeconds: Type.Integer({
      minimum: 1,
      maximum: 3_600,
      default: 30,
      description: "How often the source is polled, a quarter more or less; also the longest pause after a failure.",
    }),
    waitSeconds: Type.Integer({
      minimum: 0,
      maximum: 600,
      default: 30,
      description: "With url: how long a server that supports long polling may wait for a change; 0: no long polling.",
    }),
    trustedKeys: FilesById("Key id → path of a public key that verifies bundles: Ed25519, EC or RSA.", { default: {} }),
    scope: Type.String({ default: "", description: "Scope that the signature must have; empty: none." }),
    unsigned: Type.Union([Type.Literal("refused"), Type.Literal("accepted")], {
      default: "refused",
      description:
        "accepted: a bundle without a signature may decide. For development only; logged, and shown as a metric.",
    }),
    keepFolder: Path("Folder where the last good bundle is kept across restarts; one per process. Required with url."),
  },
  closed,
);

export type BundleConfig = Static<typeof BundleSchema>;

/** With a candidate beside it: for the service that decides. Whose signature counts, and how often is looked, is the same for both. */
export const ShadowedBundleSchema = Type.Object(
  {
    ...BundleSchema.properties,
    shadow: Type.Optional(
      Type.Object(
        {
          ...Source,
          compatPath: Path(
            "The candidate is an opa-envoy-plugin policy, evaluated at this path. Without it the candidate is native, or with policy.compat.path a plugin policy at that path.",
          ),
          native: Type.Boolean({
            default: false,
            description:
              "With policy.compat.path: the candidate has packages of countersign.policies, for example before a migration. Section identity identifies callers for the candidate only.",
          }),
        },
        {
          ...closed,
          description: "A candidate bundle that is evaluated beside the active one and compared; it decides nothing.",
        },
      ),
    ),
  },
  closed,
);

export type ShadowedBundleConfig = Static<typeof ShadowedBundleSchema>;

/** The candidate's, as a section of its own; undefined when there is none. It is not kept on disk. */
export function candidateConfig({ shadow, ...active }: ShadowedBundleConfig): BundleConfig | undefined {
  if (shadow === undefined) return undefined;
  const { pollSeconds, waitSeconds, trustedKeys, scope, unsigned } = active;
  const { compatPath: _, native: __, ...source } = shadow;
  return { pollSeconds, waitSeconds, trustedKeys, scope, unsigned, ...source };
}

export function bundleFaults(bundle: BundleConfig, section: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [...sourceFaults(bundle, section)];
  const fault = (key: string, problem: string) =>
    faults.push({ key: `${section}.${key}`, variable: undefined, problem });
  const { url, trustedKeys, unsigned, keepFolder } = bundle;
  if (unsigned === "refused" && Object.keys(trustedKeys).length === 0) {
    fault(
      "trustedKeys",
      `is empty, so no bundle could be trusted; name the keys that sign them, or for development set ${section}.unsigned to accepted`,
    );
  }
  if (url !== undefined && keepFolder === undefined) {
    fault(
      "keepFolder",
      "is missing, so a start would depend on the bundle server; set it to a folder that survives a restart",
    );
  }
  return faults;
}

/** Of a candidate, where there is one. */
export function shadowFaults(bundle: ShadowedBundleConfig, section: string, isCompat: boolean): readonly ConfigFault[] {
  const candidate = candidateConfig(bundle);
  if (candidate === undefined) return [];
  const key = `${section}.shadow`;
  const { native = false, compatPath } = bundle.shadow ?? {};
  const faults = [...sourceFaults(candidate, key), ...pathFaults(compatPath, `${key}.compatPath`)];
  const fault = (problem: string) => faults.push({ key: `${key}.native`, variable: undefined, problem });
  if (native && !isCompat) fault("is set without policy.compat.path, where every candidate is one of ours; remove it");
  if (native && compatPath !== undefined) fault("and compatPath are both set; set one of them");
  return faults;
}

function sourceFaults(bundle: BundleConfig, section: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string) =>
    faults.push({ key: `${section}.${key}`, variable: undefined, problem });
  const { path, url, token, caPath } = bundle;
  if (path === undefined && url === undefined) fault("path", "is missing, and there is no url; set one of them");
  if (path !== undefined && url !== undefined) fault("path", "and url are both set; set one of them");
  if (url === undefined && (token ?? caPath) !== undefined) {
    fault(token === undefined ? "caPath" : "token", "is set and there is no url that it would be for; remove it");
  }
  const unsendable = token === undefined ? undefined : headerProblem(token);
  if (unsendable !== undefined) fault("token", unsendable);
  if (url !== undefined) faults.push(...addressFaults(url, bundle, `${section}.url`));
  return faults;
}

function addressFaults(url: string, { unsigned, token }: BundleConfig, key: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (problem: string) => faults.push({ key, variable: undefined, problem });
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || hasCredentials(parsed) || parsed.hash !== "") {
    fault("is no http or https address without user and fragment; correct it");
  } else if (parsed.protocol === "http:" && !isLoopback(parsed.hostname)) {
    if (unsigned === "accepted")
      fault("is plain http, and bundles need no signature; use https, or refuse unsigned ones");
    if (token !== undefined) fault("is plain http, so the token would be sent in the clear; use https");
  }
  return faults;
}
