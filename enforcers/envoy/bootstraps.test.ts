/**
 * The settings of Envoy's bootstraps whose loss would open a door. What they do is tested with a real Envoy (test/integration); this says what is
 * missing, of every bootstrap and on every machine.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";

type Members = { readonly [name: string]: unknown };

const HTTP = ["compat.yaml", "native.yaml"];
const BOOTSTRAPS = [...HTTP, "tcp.yaml"];
/** Put into a bootstrap. */
const PARTS = ["countersign-mtls.yaml", "tracing.yaml"];

function read(file: string): Members {
  const document: unknown = parse(readFileSync(new URL(file, import.meta.url), "utf8"));
  return membersOf(document);
}

function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null) throw new TypeError("no object");
  return { ...value };
}

/** Every object in it, however deep. */
function objectsIn(value: unknown): readonly Members[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [membersOf(value), ...inside];
}

const every = (value: unknown, type: string) =>
  objectsIn(value).filter((one) => String(one["@type"]).endsWith(`.${type}`));

function only(value: unknown, type: string): Members {
  const [one, ...more] = every(value, type);
  if (one === undefined || more.length > 0) throw new Error(`not one ${type}`);
  return one;
}

const namesIn = (list: unknown) => (Array.isArray(list) ? list.map((one) => membersOf(one)["name"]) : []);
const keysIn = (value: unknown) => new Set(objectsIn(value).flatMap((one) => Object.keys(one)));

test("every file is one of these", () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".yaml"));
  expect(files.sort()).toEqual([...BOOTSTRAPS, ...PARTS].sort());
});

describe.each(BOOTSTRAPS)("%s", (file) => {
  const bootstrap = read(file);

  test("lets nothing pass without an answer, and asks once", () => {
    const [filter, ...more] = every(bootstrap, "ExtAuthz");
    expect(more).toEqual([]);
    expect(filter).toMatchObject({
      ...{ transport_api_version: "V3", failure_mode_allow: false, include_peer_certificate: true },
      grpc_service: { envoy_grpc: { cluster_name: "countersign" }, timeout: "0.5s" },
    });
    const doors = [
      "filter_enabled",
      "filter_enabled_metadata",
      "failure_mode_allow_header_add",
      "disabled",
      "retry_policy",
    ];
    expect(doors.filter((name) => keysIn(bootstrap).has(name))).toEqual([]);
  });

  test("does not ask services that say that they cannot answer", () => {
    const [countersign] = objectsIn(bootstrap).filter(({ name, type }) => name === "countersign" && type !== undefined);
    expect(countersign).toMatchObject({
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
      health_checks: [{ grpc_health_check: { service_name: "envoy.service.auth.v3.Authorization" } }],
    });
  });

  test("is administered from its own machine alone", () => {
    expect(bootstrap["admin"]).toEqual({ address: { socket_address: { address: "127.0.0.1", port_value: 9901 } } });
  });
});

describe.each(HTTP)("%s, of HTTP", (file) => {
  const bootstrap = read(file);
  const connections = only(bootstrap, "HttpConnectionManager");

  test("leaves no doubt about what is asked, and by whom", () => {
    expect(connections).toMatchObject({
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: "255.255.255.255", prefix_len: 32 }] },
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "REJECT_REQUEST",
      common_http_protocol_options: {
        headers_with_underscores_action: "REJECT_REQUEST",
        max_stream_duration: "300s",
        max_connection_duration: "3600s",
      },
      http_protocol_options: { accept_http_10: false, allow_chunked_length: false },
      request_headers_timeout: "10s",
    });
  });

  test("changes nothing of a request after it was judged", () => {
    const filters = ["header_mutation", "ext_authz", "router"].map((name) => `envoy.filters.http.${name}`);
    expect(namesIn(connections["http_filters"])).toEqual(filters);
    expect(only(bootstrap, "ExtAuthz")).toMatchObject({
      ...{ clear_route_cache: false, validate_mutations: true, status_on_error: { code: "ServiceUnavailable" } },
    });
    const changing = ["upgrade_configs", "hedge_policy", "request_headers_to_add", "prefix_rewrite", "regex_rewrite"];
    expect(changing.filter((name) => keysIn(bootstrap).has(name))).toEqual([]);
  });

  test("asks about a whole body or none", () => {
    const isNative = file === "native.yaml";
    expect(only(bootstrap, "ExtAuthz")).toMatchObject({
      encode_raw_headers: isNative,
      with_request_body: { max_request_bytes: 65_536, allow_partial_message: false, pack_as_bytes: isNative },
    });
    for (const { check_settings: settings } of every(bootstrap, "ExtAuthzPerRoute")) {
      expect([
        { context_extensions: { "countersign.body": "buffered" } },
        { disable_request_body_buffering: true },
      ]).toContainEqual(settings);
    }
  });

  describe("of what a client sends", () => {
    const mutations = only(connections["http_filters"], "HeaderMutation");
    const names = new Set(objectsIn(mutations).map(({ remove }) => remove));
    const patterns = objectsIn(mutations).flatMap(({ regex }) =>
      typeof regex === "string" ? [new RegExp(`^(?:${regex})$`)] : [],
    );
    const isRemoved = (name: string) => names.has(name) || patterns.some((pattern) => pattern.test(name));
    /** With `.` for each `-` or some of them, but not itself. */
    const othersOf = (name: string): readonly string[] =>
      name
        .split("-")
        .reduce<readonly string[]>(
          (starts, part) =>
            starts.length === 0 ? [part] : starts.flatMap((start) => [`${start}-${part}`, `${start}.${part}`]),
          [],
        )
        .filter((spelt) => spelt !== name);

    const identity = ["subject", "issuer", "decision-id", "grant-id"].map((part) => `countersign-${part}`);
    const overrides = ["http-method", "http-method-override", "method-override", "original-url", "rewrite-url"];
    const hosts = ["host", "original-host"];
    const ofEnvoy = ["auth-partial-body", "upstream-stream-duration-ms", "internal", "of-nobody"];
    const forwarded = ["uri", "host", "port", "scheme", "ssl", "server", "prefix", "path"];
    test.each([
      ...identity,
      ...[...overrides, ...hosts].map((part) => `x-${part}`),
      ...forwarded.map((part) => `x-forwarded-${part}`),
      ...ofEnvoy.map((part) => `x-envoy-${part}`),
    ])("%s is removed in every spelling", (name) => {
      expect([name, ...othersOf(name)].filter((spelt) => !isRemoved(spelt))).toEqual([]);
    });

    test.each(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert"])(
      "%s is removed in every spelling but that which Envoy writes or removes itself",
      (name) => {
        expect(othersOf(name).filter((spelt) => !isRemoved(spelt))).toEqual([]);
        expect(isRemoved(name)).toBe(false);
      },
    );

    test("forwarded is removed", () => {
      expect(isRemoved("forwarded")).toBe(true);
    });

    test.each(["countersign-reason", "x-forwarded", "x-user", "authorization", "host"])("%s is not", (name) => {
      expect(isRemoved(name)).toBe(false);
    });
  });
});

test("native.yaml refuses dots that only an upstream resolves, before any other route", () => {
  const [host] = objectsIn(read("native.yaml")).filter(({ domains }) => domains !== undefined);
  expect(host?.["routes"]).toMatchObject({ 0: { direct_response: { status: 400 } } });
});

describe("tcp.yaml, of connections", () => {
  const bootstrap = read("tcp.yaml");
  const chains = objectsIn(bootstrap).filter(({ filters }) => filters !== undefined);

  test("asks before any byte passes, about each name that is dialled", () => {
    expect(chains.length).toBeGreaterThan(0);
    for (const { filters, filter_chain_match: match } of chains) {
      expect(namesIn(filters)).toEqual(["envoy.filters.network.ext_authz", "envoy.filters.network.tcp_proxy"]);
      expect(match).toEqual({ server_names: [expect.any(String)] });
    }
    expect(only(bootstrap, "ExtAuthz")).toMatchObject({ include_tls_session: true });
    expect(only(bootstrap, "TcpProxy")).toMatchObject({
      ...{ upstream_connect_mode: "ON_DOWNSTREAM_DATA", max_downstream_connection_duration: "900s" },
      max_connect_attempts: 1,
    });
  });

  test("believes a certificate that was shown now, by an authority that is named", () => {
    expect(only(bootstrap, "DownstreamTlsContext")).toMatchObject({
      ...{ require_client_certificate: true, disable_stateful_session_resumption: true },
      disable_stateless_session_resumption: true,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
        validation_context: { trusted_ca: { filename: expect.any(String) } },
      },
    });
  });
});

test("over TLS Envoy believes one decision service, by its authority and its name", () => {
  expect(only(read("countersign-mtls.yaml"), "UpstreamTlsContext")).toMatchObject({
    common_tls_context: {
      tls_certificates: [{ private_key: { filename: expect.any(String) } }],
      validation_context: {
        trusted_ca: { filename: expect.any(String) },
        match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: "decision.example" } }],
      },
    },
  });
});
