/** The section `api` of the decision service's configuration: where it may be asked beside ext_authz, by whom, and for whom they may speak. */
import { type Static, Type } from "typebox";
import { type ConfigFault, unsafe } from "../../platform/config/fault.ts";
import { closed, Path, Text } from "../../platform/config/fields.ts";
import { FilePath, FilesById } from "../../platform/config/files.ts";
import { isLoopback, pairFaults } from "../../platform/config/tls-rules.ts";
import { BASE_URL, isBaseUrl } from "./base-url.ts";

const ClientSchema = Type.Object(
  {
    name: Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$", description: "Names the client in logs and records." }),
    tokenPath: FilePath("File with its service token."),
    certificate: Path("Name in its certificate with its kind: `URI:…`, `DNS:…`, `IP Address:…` or `email:…`."),
    subjects: Type.Record(Type.String(), Type.String(), {
      default: {},
      description: "Type of subject → issuer whose accounts it may ask about; empty: it may ask about nobody.",
    }),
    enforcer: Type.Boolean({ default: false, description: "Its decisions may redeem grants and publish denials." }),
    defaultMode: Type.Optional(
      Type.Union([Type.Literal("ask"), Type.Literal("enforce")], {
        description:
          "Mode of an AuthZEN evaluation that does not name one: `ask`, or `enforce` for an enforcer that knows only AuthZEN's profile.",
      }),
    ),
  },
  closed,
);

export const ApiSchema = Type.Object(
  {
    baseUrl: Text("URL by which callers know this decision point: https, no user, no query, no slash at its end."),
    host: Type.String({ default: "127.0.0.1", description: "Address on which AuthZEN (HTTP) is served." }),
    httpPort: Type.Integer({ minimum: 0, maximum: 65_535, default: 9193, description: "Port; 0: any free one." }),
    grpcPort: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        description:
          "If set, countersign.v1.DecisionService (gRPC) is served too, on this port of the same host. 0: any free one.",
      }),
    ),
    grpcReflection: Type.Boolean({
      default: false,
      description: "Serve the schema at grpcPort (gRPC server reflection), to any caller without authentication.",
    }),
    certPath: FilePath("Certificate chain; enables TLS."),
    keyPath: FilePath("Private key of the certificate."),
    clientCaPath: FilePath("CA certificates; if set, callers must present a certificate from one of these."),
    plaintext: Type.Boolean({ default: false, description: "Allow plain text beyond loopback (a mesh encrypts)." }),
    clients: Type.Array(ClientSchema, {
      default: [],
      description: "Programs that may ask: each with a service token, a certificate or both.",
    }),
    accessRequestEndpoint: Type.Optional(
      Text(
        "Where enforcers submit access requests: `accessRequests.endpoint` of the approval service, https. Without it, denials offer no access request.",
      ),
    ),
    publishedKeys: FilesById(
      "Key id → path of the public key of each other decision service behind `baseUrl`: published in the key set beside this one's.",
      { default: {} },
    ),
    deadlineMs: Type.Integer({
      minimum: 50,
      maximum: 30_000,
      default: 450,
      description: "Deadline of one request, from its arrival, without the time spent waiting for its body.",
    }),
    maxBodyBytes: Type.Integer({
      minimum: 1_024,
      maximum: 1_048_576,
      default: 65_536,
      description: "Largest request body; a larger one is refused.",
    }),
    maxInFlight: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 256,
      description: "Concurrent requests; more are rejected. Four times as many may wait to be started.",
    }),
    maxBatch: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: "Evaluations in one request." }),
  },
  closed,
);

export type ApiConfig = Static<typeof ApiSchema>;

const SHORTEST_TOKEN = 16;
/** As Node writes the subject alternative names of a certificate. */
const NAME_IN_CERTIFICATE = /^(URI|DNS|IP Address|email):./;

/** What is wrong with it beyond its schema. */
export function apiFaults({
  api,
  identity,
  policy,
}: {
  readonly api?: ApiConfig;
  readonly identity: { readonly issuers: readonly { readonly issuer: string }[] };
  readonly policy: { readonly compat: { readonly path?: string } };
}): readonly ConfigFault[] {
  if (api === undefined) return [];
  const issuers = new Set(identity.issuers.map(({ issuer }) => issuer));
  const faults: ConfigFault[] = [...pairFaults("api", api)];
  const fault = (key: string, problem: string) => faults.push(unsafe(`api.${key}`, problem));
  if (policy.compat.path !== undefined) {
    fault("baseUrl", "is not served in compatibility mode, whose policies know only calls; remove section api");
  }
  if (!isBaseUrl(api.baseUrl)) {
    fault("baseUrl", BASE_URL);
  }
  if (api.accessRequestEndpoint !== undefined && !isBaseUrl(api.accessRequestEndpoint)) {
    fault("accessRequestEndpoint", BASE_URL);
  }
  if (api.clientCaPath !== undefined && api.certPath === undefined) {
    fault("clientCaPath", "asks callers for certificates, which needs TLS; set api.certPath and api.keyPath");
  }
  if (api.certPath === undefined && !isLoopback(api.host) && !api.plaintext) {
    fault("host", "is not loopback and there is no TLS; set api.certPath, or api.plaintext if a mesh encrypts");
  }
  if (api.grpcReflection && api.grpcPort === undefined) {
    fault("grpcReflection", "tells the schema of a service that is not served; set api.grpcPort, or leave it out");
  }
  // NB: reflection asks nobody who they are.
  if (api.grpcReflection && !isLoopback(api.host) && api.clientCaPath === undefined) {
    fault("grpcReflection", "answers anybody; beyond loopback set api.clientCaPath, so that only yours may ask");
  }
  const names = new Set<string>();
  const shown = new Set<string>();
  for (const { name, tokenPath, certificate, subjects, enforcer, defaultMode } of api.clients) {
    const proof = tokenPath ?? certificate;
    if (names.has(name)) fault("clients", `two are named ${name}; name each once`);
    // NB: one of them would be taken for the other, with its subjects and as an enforcer.
    else if (proof !== undefined && shown.has(proof)) {
      fault("clients", `${name} shows what another client shows; give each its own`);
    }
    names.add(name);
    if (proof !== undefined) shown.add(proof);
    if (tokenPath === undefined && certificate === undefined) {
      fault("clients", `${name} shows nothing; set its tokenPath or certificate`);
    }
    if (certificate !== undefined && api.clientCaPath === undefined) {
      fault("clients", `${name} is known by its certificate, which needs api.clientCaPath`);
    }
    if (defaultMode === "enforce" && !enforcer) {
      fault(
        "clients",
        `${name} enforces by its defaultMode and is no enforcer; set its enforcer, or leave defaultMode out`,
      );
    }
    if (certificate !== undefined && !NAME_IN_CERTIFICATE.test(certificate)) {
      fault(
        "clients",
        `${name} has a certificate without the kind of name, as which nobody is known; write DNS: before a host name, or URI:, IP Address: or email:`,
      );
    }
    for (const issuer of Object.values(subjects)) {
      if (!issuers.has(issuer)) fault("clients", `${name} may speak for accounts of ${issuer}; configure that issuer`);
    }
  }
  return faults;
}

/** The token in a file, or a sentence that says why there is none. */
export function tokenFault(token: string): string | undefined {
  if (token.length < SHORTEST_TOKEN) return `shorter than ${SHORTEST_TOKEN} characters`;
  return /^[A-Za-z0-9._~+/-]+=*$/.test(token) ? undefined : "not of the characters of a bearer token (RFC 6750)";
}
