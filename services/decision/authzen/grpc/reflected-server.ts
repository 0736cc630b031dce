/**
 * DecisionService with server reflection, on grpc-js: tools learn the schema over a stream, which the server on node:http2 does not support. NB:
 * of several `authorization` headers grpc-js shows only the first.
 */
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { ListenAt, Peer, Serving, UnaryServerOptions } from "../../../../platform/grpc/terms.ts";
import { createUnaryServer } from "../../../../platform/grpc/unary-server.ts";
import { namesIn } from "../../../../platform/http/certificate-names.ts";
import { DecisionServiceService } from "../../../../proto/gen/countersign/v1/decision.ts";
import type { DecisionMethod, DecisionMethods } from "./methods.ts";
import { addReflection } from "./reflection.ts";

export async function startReflectedServer(
  deps: { readonly wallMs: () => number },
  methods: DecisionMethods,
  options: UnaryServerOptions & ListenAt & { readonly drainMs: number },
): Promise<Serving> {
  const { server, take, listen } = createUnaryServer(deps, options);
  const unary = (answer: DecisionMethod) => (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
    void take(call, async (terms) => {
      const said = await answer(call.request, terms, peerOf(call));
      if ("code" in said) done({ code: said.code, details: said.message });
      else done(null, Buffer.from(said));
    });
  };
  const { evaluate, evaluateBatch } = DecisionServiceService;
  server.addService(
    { evaluate: { ...evaluate, ...AS_BYTES }, evaluateBatch: { ...evaluateBatch, ...AS_BYTES } },
    { evaluate: unary(methods.evaluate), evaluateBatch: unary(methods.evaluateBatch) },
  );
  await addReflection(server);
  return listen(options);
}

const asItIs = (bytes: Buffer): Buffer => bytes;
const AS_BYTES = {
  ...{ requestSerialize: asItIs, requestDeserialize: asItIs },
  ...{ responseSerialize: asItIs, responseDeserialize: asItIs },
};

function peerOf(call: Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getAuthContext">): Peer {
  return {
    authorization: () => call.metadata.get("authorization").map(String),
    // NB: the server that asks for certificates serves nobody whose certificate it could not verify.
    certificateNames: () => namesIn(call.getAuthContext()?.sslPeerCertificate?.subjectaltname),
    certificate: () => call.getAuthContext()?.sslPeerCertificate?.raw,
  };
}
