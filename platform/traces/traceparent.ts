/** `traceparent` of W3C Trace Context, level 1: version, trace id, parent id, flags. Plain text in and out; nothing of OpenTelemetry. */

type TraceContext = {
  readonly traceId: string;
  readonly spanId: string;
  /** 1: recorded. */
  readonly traceFlags: number;
};

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined for what is none: not in the form, all zeros, or of the version that is no version. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

export function traceparentOf({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** The first of the values that is one: headers and metadata may come more than once, and as anything. */
export function firstTraceparent(values: Iterable<unknown>): string | undefined {
  for (const value of values) if (typeof value === "string" && parseTraceparent(value) !== undefined) return value;
  return undefined;
}

export function isSameTrace(one: string | undefined, other: string | undefined): boolean {
  const traceId = one === undefined ? undefined : parseTraceparent(one)?.traceId;
  return traceId !== undefined && other !== undefined && parseTraceparent(other)?.traceId === traceId;
}

/** Those that somebody wants to have recorded. */
export function recorded(traceparents: readonly string[]): readonly string[] {
  return [...new Set(traceparents)].filter((one) => parseTraceparent(one)?.traceFlags === 1);
}
