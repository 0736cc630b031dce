/** The Check that is measured: about 1.5 KB, 15 headers as a browser and two proxies leave them, an EdDSA token, a peer and its route. */
import { type Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { type Instant, instant } from "../../../core/domain/time.ts";
import { SocketAddress_Protocol } from "../../../proto/gen/envoy/config/core/v3/address.ts";
import { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";

const SUBJECT = "dana";
const ORDER = "42";

const EMPTY = { value: "", rawValue: Buffer.alloc(0) };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** `GET` is allowed by the policy alone, `DELETE` only by a live grant of `grantsFor`. */
export function sampleCheck(method: "GET" | "DELETE", token: string): Buffer {
  return checkOf({ method, path: `/orders/${ORDER}`, token });
}

type CheckTerms = {
  readonly method: "GET" | "DELETE" | "POST";
  readonly path: string;
  readonly token: string;
  /** Beside those that every call has. */
  readonly further?: readonly (readonly [string, string])[];
  /** JSON. */
  readonly body?: Buffer;
};

export function checkOf({ method, path, token, further = [], body = Buffer.alloc(0) }: CheckTerms): Buffer {
  const headers: (readonly [string, string])[] = [
    [":authority", "orders.example.com"],
    [":path", path],
    [":method", method],
    [":scheme", "https"],
    [
      "user-agent",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    ],
    ["accept", "application/json, text/plain, */*"],
    ["accept-language", "en-GB,en;q=0.9,de;q=0.8"],
    ["accept-encoding", "gzip, deflate, br, zstd"],
    ["origin", "https://console.example.com"],
    ["referer", "https://console.example.com/orders/42"],
    ["authorization", `Bearer ${token}`],
    ["x-forwarded-for", "192.0.2.17"],
    ["x-forwarded-proto", "https"],
    ["x-request-id", "9f0c6b1e-7d53-4b4c-9a55-0d9c6f1f3c8e"],
    ["traceparent", TRACE],
    ...further,
    ...(body.length === 0 ? [] : [["content-type", "application/json"] as const]),
  ];
  const http = {
    ...{
      id: "11544207733512543087",
      method,
      path,
      host: "orders.example.com",
      scheme: "https",
      query: "",
      fragment: "",
    },
    ...{ protocol: "HTTP/1.1", headers: new Map(), size: body.length, body: "", rawBody: body },
    headerMap: { headers: headers.map(([key, value]) => ({ ...EMPTY, key, rawValue: Buffer.from(value) })) },
  };
  const attributes = {
    source: peer("192.0.2.17", 51_234),
    destination: peer("198.51.100.4", 8_080),
    request: { time: new Date(1_795_478_400_000), http },
    contextExtensions: new Map([["countersign.body", "buffered"]]),
  };
  return Buffer.from(CheckRequest.encode({ attributes }).finish());
}

/** The address from which a connection comes or to which it goes, and nothing more of who is there. */
export function peer(address: string, port: number) {
  const value = {
    ...{
      protocol: SocketAddress_Protocol.TCP,
      address,
      resolverName: "",
      networkNamespaceFilepath: "",
      ipv4Compat: false,
    },
    portSpecifier: { $case: "portValue" as const, value: port },
  };
  return {
    address: { address: { $case: "socketAddress" as const, value } },
    ...{ service: "", labels: new Map<string, string>(), principal: "", certificate: "" },
  };
}

/** Of the subjects with grants, by number. */
export const subjectNamed = (n: number) => (n === 0 ? SUBJECT : `subject-${n}`);

/** One window for each of so many subjects, which covers the `DELETE`. */
export function* grantsFor(subjects: number, issuer: string, now: Instant): Generator<Grant> {
  for (let n = 0; n < subjects; n += 1) {
    const numbered = (kind: number) => `01930000-0000-7${kind}00-8000-${n.toString(16).padStart(12, "0")}`;
    yield {
      ...{ id: id("grant", numbered(1)), requestId: id("request", numbered(2)), denialId: id("denial", numbered(3)) },
      ...{ version: 1, person: { realm: "example", id: `${n}@example.com` }, issuer },
      subject: subjectNamed(n),
      actors: [],
      ...{ entitlement: "orders-delete", scope: `order/${ORDER}`, binding: { kind: "scope" } },
      ...{ state: "active", uses: 0, maxUses: "unlimited", notBefore: now, expiresAt: instant(now + 3_600_000) },
    };
  }
}
