/**
 * The complete answer to a call, made before it is sent, so that it can be stored under an idempotency key in the transaction of the effect and
 * sent again byte for byte.
 */
import type { FastifyReply } from "fastify";
import type { Static } from "typebox";
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import type { RecordedIncident } from "../../../core/domain/incident.ts";
import type { KeptAnswer } from "./ports.ts";
import { etagOf } from "./etag.ts";
import type { RequestWithGrant } from "./schema/requests.ts";
import { showGrant, showIncident, showRequest } from "./show.ts";

export type Answer = KeptAnswer;

const JSON_TYPE = "application/json; charset=utf-8";

/** A request with the grant it led to, as GET /v1/requests/{id} shows it. */
export function showWithGrant(request: AccessRequest, grant: Grant | undefined): Static<typeof RequestWithGrant> {
  return { request: showRequest(request), grant: grant === undefined ? null : showGrant(grant) };
}

export function requestAnswer(status: 200 | 201, request: AccessRequest, grant: Grant | undefined): Answer {
  return tagged(status, showWithGrant(request, grant), { location: `/v1/requests/${request.id}` });
}

export function grantAnswer(grant: Grant): Answer {
  return tagged(200, showGrant(grant), {});
}

export function incidentAnswer(status: 200 | 201, incident: RecordedIncident): Answer {
  return tagged(status, showIncident(incident), status === 201 ? { location: `/v1/incidents/${incident.id}` } : {});
}

function tagged(status: number, shown: object, headers: { readonly [name: string]: string }): Answer {
  return jsonAnswer(status, shown, { etag: etagOf(shown), ...headers });
}

export function jsonAnswer(status: number, shown: object, headers: { readonly [name: string]: string } = {}): Answer {
  return { status, headers: { "content-type": JSON_TYPE, ...headers }, body: JSON.stringify(shown) };
}

export function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers })
    .serializer((text: string) => text)
    .send(body);
}
