/**
 * What an API caller asks, in AuthZEN's terms: may this subject do this action to this resource? Properties and context are stated by the caller;
 * whether its statements about the subject are trusted is settled before a policy sees them.
 */
import type { Json } from "./subject.ts";

export type Stated = { readonly [name: string]: Json };

export type Entity = { readonly type: string; readonly id: string; readonly properties: Stated };
export type Action = { readonly name: string; readonly properties: Stated };

export type Question = {
  readonly subject: Entity;
  readonly action: Action;
  readonly resource: Entity;
  readonly context: Stated;
};

/** How a question is named where an HTTP call would be: in the decision log and in a denial. */
export function namedCall({ action, resource }: Question): {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
} {
  return { method: action.name, authority: resource.type, path: resource.id };
}
