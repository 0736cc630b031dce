/**
 * The input document of the decision entrypoint in native mode: what opa-envoy-plugin gives, and AuthZEN's four entities. Written as JSON Schema
 * for `opa check --schema`, so that a misspelt `input.subjct` is found when the policy is checked. It only describes; core/policy/envoy-input
 * makes the document.
 */
import { Type } from "typebox";

const Strings = Type.Record(Type.String(), Type.String());
const Peer = Type.Object({
  address: Type.Optional(
    Type.Object({ socketAddress: Type.Object({ address: Type.String(), portValue: Type.Integer() }) }),
  ),
  principal: Type.Optional(Type.String()),
  service: Type.Optional(Type.String()),
  labels: Type.Optional(Strings),
  certificate: Type.Optional(Type.String()),
});

export const DecisionInput = Type.Object({
  version: Type.Object({ ext_authz: Type.String(), encoding: Type.String() }),
  attributes: Type.Object({
    source: Type.Optional(Peer),
    destination: Type.Optional(Peer),
    request: Type.Optional(
      Type.Object({
        time: Type.Optional(
          Type.Object({ seconds: Type.Optional(Type.Integer()), nanos: Type.Optional(Type.Integer()) }),
        ),
        http: Type.Optional(
          Type.Object({
            id: Type.Optional(Type.String()),
            method: Type.Optional(Type.String()),
            headers: Type.Optional(Strings),
            path: Type.Optional(Type.String()),
            host: Type.Optional(Type.String()),
            scheme: Type.Optional(Type.String()),
            query: Type.Optional(Type.String()),
            fragment: Type.Optional(Type.String()),
            size: Type.Optional(Type.Integer()),
            protocol: Type.Optional(Type.String()),
            body: Type.Optional(Type.String()),
            rawBody: Type.Optional(Type.String()),
          }),
        ),
      }),
    ),
    contextExtensions: Type.Optional(Strings),
    metadataContext: Type.Optional(Type.Unknown()),
    routeMetadataContext: Type.Optional(Type.Unknown()),
    tlsSession: Type.Optional(Type.Unknown()),
  }),
  parsed_path: Type.Array(Type.String()),
  parsed_query: Type.Record(Type.String(), Type.Array(Type.String())),
  parsed_body: Type.Unknown(),
  truncated_body: Type.Boolean(),
  source_principal: Type.Optional(Type.String()),
  subject: Type.Object({
    type: Type.String(),
    id: Type.String(),
    properties: Type.Object(
      {
        issuer: Type.String(),
        groups: Type.Array(Type.String()),
        claims: Type.Unknown(),
        actors: Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() })),
      },
      { additionalProperties: true },
    ),
  }),
  action: Type.Object({ name: Type.String(), properties: Type.Optional(Type.Unknown()) }),
  resource: Type.Object({ type: Type.String(), id: Type.String(), properties: Type.Unknown() }),
  /** What services/decision/context/gather.ts states of the moment. */
  context: Type.Object({
    time: Type.String(),
    local: Type.Object({
      zone: Type.String(),
      date: Type.String(),
      weekday: Type.String(),
      hour: Type.Integer(),
      minute: Type.Integer(),
      office_hours: Type.Boolean(),
    }),
    source_address: Type.Optional(Type.String()),
    country: Type.Optional(Type.String()),
    country_database: Type.Optional(Type.String()),
    device: Type.Optional(Type.Unknown()),
    incidents: Type.Optional(
      Type.Array(
        Type.Object({ id: Type.String(), severity: Type.String(), scope: Type.String(), since: Type.String() }),
      ),
    ),
    profile: Type.Optional(
      Type.Object({
        /** All `days` are calendar days (UTC). */
        days: Type.Integer(),
        since: Type.String(),
        as_of: Type.String(),
        hours: Type.Array(Type.Object({ hour: Type.Integer(), days: Type.Integer(), last: Type.String() })),
        networks: Type.Array(Type.Object({ network: Type.String(), days: Type.Integer(), last: Type.String() })),
        countries: Type.Array(Type.Object({ country: Type.String(), days: Type.Integer(), last: Type.String() })),
      }),
    ),
    state: Type.Object({ fresh: Type.Boolean() }),
    /** What an API caller states; nothing that the host vouches for. */
    stated: Type.Optional(Type.Unknown()),
  }),
});

const PersonRef = Type.Union([Type.Object({ realm: Type.String(), id: Type.String() }), Type.Null()]);
const Account = {
  issuer: Type.String(),
  subject: Type.String(),
  groups: Type.Array(Type.String()),
  claims: Type.Unknown(),
};
const Uses = Type.Union([Type.Integer(), Type.String()]);

/** The immutable request as routing and reviewers' rules see it. */
const RequestDocument = Type.Object({
  requester: Type.Object({
    person: PersonRef,
    ...Account,
    actors: Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() })),
  }),
  call: Type.Object({ protocol: Type.String(), method: Type.String(), authority: Type.String(), path: Type.String() }),
  elevation: Type.Object({
    entitlement: Type.String(),
    scope: Type.String(),
    title: Type.String(),
    risk: Type.String(),
    binding: Type.String(),
    display: Type.Array(Type.Object({ label: Type.String(), value: Type.String() })),
    max_uses: Uses,
    max_duration_ms: Type.Integer(),
  }),
  justification: Type.String(),
  requested: Type.Object({
    max_uses: Uses,
    duration_ms: Type.Integer(),
    not_before: Type.Union([Type.String(), Type.Null()]),
    not_after: Type.Union([Type.String(), Type.Null()]),
    binding: Type.String(),
  }),
});

export const RouteInput = Type.Object({ request: RequestDocument });

export const MayReviewInput = Type.Object({
  request: RequestDocument,
  reviewer: Type.Object({ person: PersonRef, ...Account, machine: Type.Boolean() }),
});
