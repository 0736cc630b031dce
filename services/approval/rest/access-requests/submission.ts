/**
 * An enforcer's submission ("Submitting the Access Request"), from its body to arguments of commands. Unknown members are ignored; members of the
 * draft that are not offered here (`items`, `callback`) are refused, because otherwise half of what was asked would be done silently. Of
 * `requested_access` only the end counts, and it can only shorten what is offered.
 *
 * NB: `client.actor` is a claim. It must be the actor of the credential, or nothing is submitted.
 */
import { type Static, type TProperties, Type } from "typebox";
import { AppError } from "../../../../core/domain/app-error.ts";
import type { Question, Stated } from "../../../../core/domain/question.ts";
import type { Actor, Json } from "../../../../core/domain/subject.ts";
import type { Asked } from "../../../../core/domain/submit.ts";
import { type Instant, parseRfc3339 } from "../../../../core/domain/time.ts";

const MAX_TOKEN = 16 * 1024;
const MAX_ACTORS = 8;
const open = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: true });
const Text = Type.String({ minLength: 1, maxLength: 1_024 });
const Properties = Type.Optional(Type.Record(Type.String(), Type.Unknown()));
const Entity = open({ type: Text, id: Text, properties: Properties });
const Justification = Type.Optional(Type.String({ maxLength: 4_000 }));

const members = {
  subject: Entity,
  resource: Entity,
  action: open({ name: Text, properties: Properties }),
  context: Type.Optional(open({ business_justification: Justification })),
  requested_access: Type.Optional(
    open({ requested_until: Type.Optional(Type.String({ maxLength: 40 })), emergency: Type.Optional(Type.Boolean()) }),
  ),
  client: Type.Optional(open({ actor: Type.Optional(open({})) })),
  items: Type.Optional(Type.Never({ description: "Bundles are not offered: submit one by one." })),
  callback: Type.Optional(Type.Never({ description: "Callbacks are not offered: ask for the status." })),
  denial: open({
    evaluation_id: Type.Optional(Type.String({ maxLength: 256 })),
    expires_at: Type.String({ maxLength: 40 }),
    binding_token: Type.Optional(Type.String({ maxLength: MAX_TOKEN })),
  }),
};

const EXAMPLE = {
  subject: { type: "user", id: "dana" },
  resource: { type: "order", id: "42" },
  action: { name: "delete" },
  context: { business_justification: "The customer cancelled it, ticket 4711." },
  denial: {
    evaluation_id: "01930000-0000-7000-8000-000000000001",
    expires_at: "2026-11-24T09:15:00.000Z",
    binding_token: "eyJhbGciOiJFZERTQSIsImtpZCI6InBkcC0xIn0.eyJqdGkiOiI0MiJ9.c2lnbmF0dXJl",
  },
};

export const SubmissionBody = Type.Object(members, { additionalProperties: true, examples: [EXAMPLE] });
export type SubmissionBody = Static<typeof SubmissionBody>;

export function questionOf({ subject, resource, action, context }: SubmissionBody): Question {
  return {
    subject: { type: subject.type, id: subject.id, properties: stated(subject.properties) },
    action: { name: action.name, properties: stated(action.properties) },
    resource: { type: resource.type, id: resource.id, properties: stated(resource.properties) },
    context: stated(context),
  };
}

/** @throws AppError invalid_argument */
export function askedOf({ context, requested_access: requested }: SubmissionBody, now: Instant): Asked {
  const until = requested?.requested_until;
  return {
    entitlement: undefined,
    scope: undefined,
    justification: context?.business_justification ?? "",
    maxUses: undefined,
    duration: undefined,
    notBefore: undefined,
    ...(until === undefined ? {} : { notAfter: endAt("/requested_access/requested_until", until, now) }),
  };
}

export function timeAt(pointer: string, text: string): Instant {
  try {
    return parseRfc3339(text);
  } catch (cause) {
    throw new AppError("invalid_argument", `${pointer} is not an RFC 3339 time with a zone`, { cause });
  }
}

function endAt(pointer: string, text: string, now: Instant): Instant {
  const end = timeAt(pointer, text);
  if (end <= now) throw new AppError("invalid_argument", `${pointer} is over`);
  return end;
}

/** Whether the actors that the body claims are those of the credential: the whole chain, in order, or nothing claimed. */
export function isActing({ client }: SubmissionBody, actors: readonly Actor[]): boolean {
  if (client?.actor === undefined) return true;
  const claimed: Actor[] = [];
  for (let actor: unknown = client.actor; actor !== undefined && claimed.length <= MAX_ACTORS; ) {
    const members = new Map<string, unknown>(Object.entries(Object(actor)));
    const [id, issuer] = [members.get("id"), members.get("issuer")];
    if (typeof id !== "string" || typeof issuer !== "string") return false;
    claimed.push({ id, issuer });
    actor = members.get("act");
  }
  return (
    claimed.length === actors.length &&
    actors.every(({ id, issuer }, at) => claimed[at]?.id === id && claimed[at]?.issuer === issuer)
  );
}

/** NB: called on what JSON.parse made, so every member is JSON. */
function stated(value: unknown): Stated {
  return isStated(value) ? value : {};
}

function isStated(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
