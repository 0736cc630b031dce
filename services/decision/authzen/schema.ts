/**
 * Bodies of AuthZEN 1.0. Unknown members are ignored (section "JSON Serialization"); known ones must have the right type. The limits on length
 * are ours: a decision log keeps these values.
 */
import { type Static, type TProperties, Type } from "typebox";

const MAX_ID = 1_024;
const open = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: true });

const Text = Type.String({ minLength: 1, maxLength: MAX_ID });
/** Any object. As a record of anything each of its names would be looked at, to find that it may be there. */
const Properties = Type.Optional(Type.Unsafe<{ readonly [name: string]: unknown }>({ type: "object" }));

const EntityBody = open({ type: Text, id: Text, properties: Properties });
/** Of the kind that a search looks for: an id is ignored. */
const SoughtBody = open({ type: Text, properties: Properties });
const ActionBody = open({ name: Text, properties: Properties });

export const EvaluationBody = open({
  subject: EntityBody,
  action: ActionBody,
  resource: EntityBody,
  context: Properties,
  options: Type.Optional(open({ countersign_mode: Type.Optional(Type.String()) })),
});
export type EvaluationBody = Static<typeof EvaluationBody>;

const SEMANTICS = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] as const;
export type Semantic = (typeof SEMANTICS)[number];

const defaults = {
  subject: Type.Optional(EntityBody),
  action: Type.Optional(ActionBody),
  resource: Type.Optional(EntityBody),
  context: Properties,
};
/** An item of a batch, which may lack what the defaults of its body have. */
export const ItemBody = open(defaults);
export type ItemBody = Static<typeof ItemBody>;

/** Of the defaults and items what is missing is found when they are joined. */
export const EvaluationsBody = open({
  ...defaults,
  options: Type.Optional(
    open({
      evaluations_semantic: Type.Optional(Type.Union(SEMANTICS.map((one) => Type.Literal(one)))),
      countersign_mode: Type.Optional(Type.String()),
    }),
  ),
  evaluations: Type.Optional(Type.Array(Type.Unknown())),
});

export type EvaluationsBody = Static<typeof EvaluationsBody>;

const Page = Type.Optional(
  open({
    token: Type.Optional(Type.String({ maxLength: 256 })),
    limit: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
);

export const SubjectSearchBody = open({
  subject: SoughtBody,
  action: ActionBody,
  resource: EntityBody,
  context: Properties,
  page: Page,
});
export const ResourceSearchBody = open({
  subject: EntityBody,
  action: ActionBody,
  resource: SoughtBody,
  context: Properties,
  page: Page,
});
export const ActionSearchBody = open({ subject: EntityBody, resource: EntityBody, context: Properties, page: Page });
