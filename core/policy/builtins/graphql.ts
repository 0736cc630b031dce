/**
 * `graphql.*`: syntax trees of queries and schemas as OPA's library shows them, and validation of one against the other.
 * A query or schema may be given as text or as such a tree. `is_valid`, `schema_is_valid` and `parse_and_verify` answer
 * any fault with a plain no; the others make the expression undefined.
 */
import {
  buildASTSchema,
  DeferStreamDirectiveLabelRule,
  DeferStreamDirectiveOnRootFieldRule,
  DeferStreamDirectiveOnValidOperationsRule,
  type GraphQLSchema,
  MaxIntrospectionDepthRule,
  specifiedRules,
  StreamDirectiveOnListFieldRule,
  validate,
} from "graphql";
import {
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  stringArg,
  wrongType,
} from "../builtin.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { checkSchema } from "./graphql/checked-schema.ts";
import { pairsToCompare, withDistinctSelections } from "./graphql/distinct-selections.ts";
import { parseQuery } from "./graphql/query-parser.ts";
import { parseSchema } from "./graphql/schema-parser.ts";
import { nodesOf, readNode, textOf } from "./graphql/shapes.ts";
import { queryDocument, schemaDocument } from "./graphql/to-graphql.ts";

/** Rules that compare fields pairwise take time that grows with the square of this. */
const MAX_SELECTIONS = 2_000;
/** In fuel, of fields that have one name in an answer. */
const PER_PAIR = 2_000;
/** What graphql says where a rule takes more steps than it allows: no fault of the query. */
const GAVE_UP = "Validation aborted.";
/** OPA's library knows `@defer` and `@stream` as directives like any other, without rules of their own. */
const NOT_OPAS: ReadonlySet<unknown> = new Set([
  DeferStreamDirectiveLabelRule,
  DeferStreamDirectiveOnRootFieldRule,
  DeferStreamDirectiveOnValidOperationsRule,
  StreamDirectiveOnListFieldRule,
]);
const RULES = [...specifiedRules.filter((rule) => !NOT_OPAS.has(rule)), MaxIntrospectionDepthRule];

function queryOf(value: RegoValue | undefined): RegoObject {
  if (typeof value === "string") return parseQuery(value);
  if (value instanceof RegoObject) return readNode("QueryDocument", value);
  throw wrongType(0, "string or object");
}

type Schema = {
  readonly tree: RegoObject;
  readonly built: GraphQLSchema;
  readonly roots: ReadonlyMap<string, string>;
};

function schemaTreeOf(value: RegoValue | undefined): RegoObject {
  if (typeof value === "string") return parseSchema(value);
  if (value instanceof RegoObject) return readNode("SchemaDocument", value);
  throw wrongType(1, "string or object");
}

/** The last few schemas given as text: building one costs far more than a query against it. */
const known = new Map<string, Schema>();
const MAX_KNOWN = 10;

function schemaOf(value: RegoValue | undefined): Schema {
  const before = typeof value === "string" ? known.get(value) : undefined;
  if (before !== undefined) return before;
  const tree = schemaTreeOf(value);
  const checked = checkSchema(tree);
  const built = buildASTSchema(schemaDocument(checked), { assumeValid: true, assumeValidSDL: true });
  const schema = { tree, built, roots: checked.roots };
  if (typeof value === "string") {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(value, schema);
  }
  return schema;
}

/** @throws BuiltinError with the first fault */
function checkQuery({ built, roots }: Schema, query: RegoObject, { pay }: BuiltinCall): void {
  const operations = nodesOf(query, "Operations");
  const parents = [...operations, ...nodesOf(query, "Fragments")];
  if (parents.reduce((sum, parent) => sum + countSelections(parent), 0) > MAX_SELECTIONS) {
    throw new BuiltinLimit("the GraphQL query is too large");
  }
  if (operations.some((operation) => !roots.has(textOf(operation, "Operation")))) {
    throw new BuiltinError("Schema does not support this operation type");
  }
  const document = withDistinctSelections(queryDocument(query));
  pay(pairsToCompare(document) * PER_PAIR);
  const [fault] = validate(built, document, RULES, { maxErrors: 1, hideSuggestions: true });
  if (fault?.message === GAVE_UP) throw new BuiltinLimit("the GraphQL query has too many fields to compare");
  if (fault !== undefined) throw new BuiltinError(fault.message);
}

function countSelections(parent: RegoObject): number {
  return nodesOf(parent, "SelectionSet").reduce((sum, selection) => sum + 1 + countSelections(selection), 0);
}

/** What `use` gives, or the answer for a fault. */
function unlessFault(use: () => RegoValue, otherwise: RegoValue): RegoValue {
  try {
    return use();
  } catch (error) {
    if (error instanceof BuiltinError) return otherwise;
    throw error;
  }
}

const parse: Builtin = ([query, schema], call) => {
  const tree = queryOf(query);
  const checked = schemaOf(schema);
  checkQuery(checked, tree, call);
  return [tree, checked.tree];
};

const UNVERIFIED: RegoValue = [false, new RegoObject([]), new RegoObject([])];

const parseAndVerify: Builtin = ([query, schema], call) =>
  unlessFault(() => {
    const tree = queryOf(query);
    const checked = schemaOf(schema);
    checkQuery(checked, tree, call);
    return [true, tree, checked.tree];
  }, UNVERIFIED);

const isValid: Builtin = ([query, schema], call) =>
  unlessFault(() => {
    checkQuery(schemaOf(schema), queryOf(query), call);
    return true;
  }, false);

const schemaIsValid: Builtin = ([schema]) =>
  unlessFault(() => {
    checkSchema(schemaTreeOf(schema));
    return true;
  }, false);

export const GRAPHQL = builtinTable([
  ["graphql.parse", parse],
  ["graphql.parse_and_verify", parseAndVerify],
  ["graphql.parse_query", (args) => parseQuery(stringArg(args, 0))],
  ["graphql.parse_schema", (args) => parseSchema(stringArg(args, 0))],
  ["graphql.is_valid", isValid],
  ["graphql.schema_is_valid", schemaIsValid],
]);
