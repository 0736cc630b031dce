/**
 * Spans of what a process does, sent to an OpenTelemetry collector. The packages are imported by whoever calls `startTraces`, so a process
 * without traces never loads them. Nothing global is set: a span's parent is the one that runs here (by AsyncLocalStorage) or what a
 * caller's traceparent names (W3C Trace Context), which also says whether it is recorded.
 *
 * NB: attributes are names, reasons and ids; never a token, a header, a path, or who asks. What a collector does not take is dropped and
 * counted by nobody here: traces are for looking, the decision log is the record.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context } from "@opentelemetry/api";
import type { TracesConfig } from "./config.ts";

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface TraceSpan {
  /** Of this span, for whatever goes on elsewhere. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
}

export interface Traces extends AsyncDisposable {
  /**
   * Runs `work` as a span, which ends when it has returned or what it promised is settled. `parent`: the traceparent of who called from
   * outside; without it the span that runs here. A thing thrown marks the span and passes on.
   */
  span<T>(name: string, work: (span: TraceSpan) => T, options?: { readonly parent?: string | undefined }): T;
}

/** Spans that wait for the collector; more are dropped. */
const MAX_WAITING = 4_096;
const EVERY_MS = 1_000;
const EXPORT_MS = 5_000;
/** Longest value of an attribute, in UTF-16 units. */
const MAX_TEXT = 256;

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

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

  function remote(traceparent: string): Context {
    const [, traceId = "", spanId = "", flags = "00"] = TRACEPARENT.exec(traceparent) ?? [];
    const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
    // One that is none (all zeros, or not in the form) is as if there were none.
    return trace.isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
  }

  return {
    span(name, work, { parent } = {}) {
      const above = parent === undefined ? (here.getStore() ?? ROOT_CONTEXT) : remote(parent);
      const kind = above === here.getStore() ? SpanKind.INTERNAL : SpanKind.SERVER;
      const span = tracer.startSpan(name, { kind }, above);
      const { traceId, spanId, traceFlags } = span.spanContext();
      const handle: TraceSpan = {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
        set: (attributes) => void span.setAttributes(attributes),
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
    // A collector that is away must not hold up the end.
    async [Symbol.asyncDispose]() {
      await provider.shutdown().catch(() => {});
    },
  };
}
