/**
 * Spans of a process, sent to an OpenTelemetry collector. The packages are imported by whoever calls `startTraces`, so a process without traces
 * never loads them. No global state: a span's parent is the current one (by AsyncLocalStorage) or the one that a caller's traceparent names (W3C
 * Trace Context), which also says whether it is recorded.
 *
 * NB: attributes are names, reasons and ids; never a token, a header, a path, or who asks. What a collector does not take is dropped and not
 * counted: traces are an aid, the decision log is the record.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, Link } from "@opentelemetry/api";
import type { TracesConfig } from "./config.ts";
import { parseTraceparent, traceparentOf } from "./traceparent.ts";

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface TraceSpan {
  /** Of this span, for whatever goes on elsewhere. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Says that what another traceparent names has to do with this. */
  link(traceparent: string): void;
}

/** As OpenTelemetry tells them apart: who answers a call, who makes it, who sends a message, who takes it. */
type Kind = "internal" | "server" | "client" | "producer" | "consumer";

export interface SpanOptions {
  /** The traceparent of who called from outside; without it the span that runs here is above. */
  readonly parent?: string | undefined;
  /** `internal` unless said. */
  readonly kind?: Kind;
  readonly attributes?: Attributes;
  /** Traceparents of what has to do with it and is not above it. */
  readonly links?: readonly string[];
}

export interface Traces extends AsyncDisposable {
  /** Runs `work` as a span, which ends when it has returned or what it promised is settled. A thing thrown marks the span and passes on. */
  span<T>(name: string, work: (span: TraceSpan) => T, options?: SpanOptions): T;
  /** The traceparent of the span that runs here. */
  here(): string | undefined;
}

/** Spans that wait for the collector; more are dropped. */
const MAX_WAITING = 4_096;
const EVERY_MS = 1_000;
const EXPORT_MS = 5_000;
/** Longest value of an attribute, in UTF-16 units. */
const MAX_TEXT = 256;

/** None where the configuration has no such section: then nothing of OpenTelemetry is loaded. */
export async function startTracesIf(
  config: TracesConfig | undefined,
  as: { readonly service: string; readonly instance: string },
): Promise<Traces | undefined> {
  return config === undefined ? undefined : startTraces(config, as);
}

export async function startTraces(
  { endpoint, ratio }: TracesConfig,
  { service, instance }: { readonly service: string; readonly instance: string },
): Promise<Traces> {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import("@opentelemetry/api");
  const { BatchSpanProcessor, ParentBasedSampler, TracerProvider, TraceIdRatioBasedSampler } = await import(
    "@opentelemetry/sdk-trace"
  );
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service, "service.instance.id": instance }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanLimits: { attributeValueLengthLimit: MAX_TEXT },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_MS }),
        maxQueueSize: MAX_WAITING,
        scheduledDelayMillis: EVERY_MS,
        exportTimeoutMillis: EXPORT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("countersign");
  const here = new AsyncLocalStorage<Context>();

  const kinds: { readonly [kind in Kind]: number } = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
  };

  function remote(traceparent: string): Context {
    const named = parseTraceparent(traceparent);
    return named === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...named, isRemote: true });
  }

  /** None for what is no traceparent. */
  function linkTo(traceparent: string): readonly Link[] {
    const named = parseTraceparent(traceparent);
    return named === undefined ? [] : [{ context: { ...named, isRemote: true } }];
  }

  return {
    span(name, work, { parent, kind = "internal", attributes = {}, links = [] } = {}) {
      const above = parent === undefined ? (here.getStore() ?? ROOT_CONTEXT) : remote(parent);
      const settings = { kind: kinds[kind], attributes, links: links.flatMap(linkTo) };
      const span = tracer.startSpan(name, settings, above);
      const handle: TraceSpan = {
        traceparent: traceparentOf(span.spanContext()),
        set: (more) => void span.setAttributes(more),
        link: (traceparent) => void span.addLinks([...linkTo(traceparent)]),
      };
      // NB: not the error's text, which may quote what nobody should keep.
      const failed = () => {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      };
      try {
        const result = here.run(trace.setSpan(above, span), () => work(handle));
        if (result instanceof Promise) result.then(() => span.end(), failed);
        else span.end();
        return result;
      } catch (error) {
        failed();
        throw error;
      }
    },
    here() {
      const context = here.getStore();
      const running = context === undefined ? undefined : trace.getSpanContext(context);
      return running === undefined ? undefined : traceparentOf(running);
    },
    // A collector that is away must not hold up the end.
    async [Symbol.asyncDispose]() {
      await provider.shutdown().catch(() => {});
    },
  };
}
