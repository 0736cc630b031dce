/**
 * An OpenTelemetry collector in this process: takes OTLP over HTTP, as JSON from our services; what comes as protobuf (Envoy) is kept as
 * bytes, in which a span can be looked for by its id.
 */
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Type } from "typebox";
import { Compile } from "typebox/compile";

export type CollectedSpan = {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly links: readonly string[];
  readonly attributes: ReadonlyMap<string, unknown>;
};

export interface OtlpCollector extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: string;
  spans(): readonly CollectedSpan[];
  /** Whether somebody who sends protobuf sent a span of this id, in hexadecimal. */
  hasBinary(spanId: string): boolean;
  /** Everything that came as JSON: to look for what must not be in it. */
  text(): string;
}

const Values = Type.Array(Type.Object({ key: Type.String(), value: Type.Record(Type.String(), Type.Unknown()) }));
const SPAN = Type.Object({
  ...{ traceId: Type.String(), spanId: Type.String(), parentSpanId: Type.Optional(Type.String()) },
  ...{ name: Type.String(), kind: Type.Number(), attributes: Values },
  links: Type.Optional(Type.Array(Type.Object({ traceId: Type.String() }))),
});
const Sent = Compile(
  Type.Object({
    resourceSpans: Type.Array(
      Type.Object({
        resource: Type.Object({ attributes: Values }),
        scopeSpans: Type.Array(Type.Object({ spans: Type.Array(SPAN) })),
      }),
    ),
  }),
);

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const texts: string[] = [];
  const binaries: Buffer[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      if (request.headers["content-type"]?.includes("json") === true) texts.push(body.toString("utf8"));
      else binaries.push(body);
      response.setHeader("content-type", "application/json");
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the collector has no port");
  const { port } = address;
  return {
    port,
    endpoint: `http://127.0.0.1:${port}/v1/traces`,
    spans: () => texts.flatMap(spansIn),
    hasBinary: (spanId) => binaries.some((body) => body.includes(Buffer.from(spanId, "hex"))),
    text: () => texts.join("\n"),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function spansIn(text: string): readonly CollectedSpan[] {
  return Sent.Parse(JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes).get("service.name"));
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, kind, traceId, spanId, parentSpanId, links = [], attributes }) => ({
        ...{ service, name, kind, traceId, spanId, parentSpanId },
        links: links.map((link) => link.traceId),
        attributes: valuesOf(attributes),
      })),
    );
  });
}

function valuesOf(attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]) {
  return new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
