/**
 * Builds the question for a native candidate in shadow of an opa-envoy-plugin policy: the request as the native bootstrap would send it, with
 * caller and context. It is built when its turn in the queue has come, after the answer, so that no check waits for it.
 */
import type { Clocks } from "../../../core/domain/freshness.ts";
import { createDecisionInput } from "../../../core/policy/envoy-input/decision-input.ts";
import type { EnforcedCall } from "../../../core/policy/envoy-input/attributes.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { Context, Evaluation, IdentityInTurn } from "../ports.ts";
import type { Described, NativeQuestion } from "./ports.ts";

type NativeQuestionDeps = { readonly identity: IdentityInTurn; readonly context: Context };

export function createNativeQuestion({ identity, context }: NativeQuestionDeps): NativeQuestion {
  async function describe(
    evaluation: Evaluation,
    call: EnforcedCall,
    clocks: Clocks,
    reads: InputReads | undefined,
  ): Promise<Described> {
    const caller = await identity.identify(evaluation.credentials, { readClocks: () => clocks, deadline: NO_DEADLINE });
    if (caller.kind === "refused") return { kind: "not_identified" };
    const subject = caller.kind === "subject" ? caller.subject : undefined;
    return createDecisionInput({ call }, subject, context.gather(evaluation, clocks, subject), reads);
  }

  return (evaluation, { isHttp, body }, clocks) =>
    async (reads) => {
      const call = buffered(evaluation.call, body);
      // Native mode refuses it before any policy is asked.
      if (isHttp && (call.http === undefined || call.http.method === "" || call.http.path === "")) return NOT_READ;
      return describe(evaluation, call, clocks, reads);
    };
}

const NOT_READ: Described = { kind: "fault", detail: "the request cannot be read" };

/** Whoever is answered already does not wait. */
const NO_DEADLINE = { leftMs: () => Number.MAX_SAFE_INTEGER, within: () => NO_DEADLINE };

/** A body that came as text, or without the word that it is whole, counts as it came: the native bootstrap would have sent its bytes. */
function buffered(call: EnforcedCall, body: () => Uint8Array): EnforcedCall {
  if (call.http === undefined) return call;
  const bytes = body();
  return bytes.length === 0 ? call : { ...call, http: { ...call.http, body: { kind: "bytes", bytes } } };
}
