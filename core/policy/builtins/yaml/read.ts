/**
 * YAML to JSON values. The syntax is read by the `yaml` package without a schema of its own; what a scalar means is
 * decided in scalar.ts. Only the first document counts. NB: aliases multiply, so the number of values is limited.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  Composer,
  type CST,
  type Document,
  type Node,
  Scalar,
} from "yaml";
import { BuiltinError, BuiltinLimit, type Pay } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { writeJson } from "../../rego-value/write.ts";
import { decodeBase64 } from "../go-base64.ts";
import { resolveScalar } from "./scalar.ts";

const MAX_VALUES = 20_000;
/** Also of what is written. */
export const MAX_DEPTH = 200;
const TAG = "tag:yaml.org,2002:";

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;
/** Of directives only these two are known, and of versions only 1.1. */
const DIRECTIVE = /^%(?!YAML 1\.1\s|TAG )/m;

/** Some characters may stand nowhere in YAML unless escaped. */
export function refuseControl(text: string): void {
  if (CONTROL.test(text)) throw new BuiltinError("yaml: control characters are not allowed");
}

/** In fuel: of a piece of the syntax, and of a value that is made; it is those that take time, and not the characters in them. */
const PER_LEXEME = 5_000;
const PER_VALUE = 1_500;

/** @throws BuiltinError when it is not YAML or has no JSON form */
export function readYaml(text: string, pay: Pay): RegoValue {
  refuseControl(text);
  if (DIRECTIVE.test(/^(?:%[^\n]*(?:\n|$)|#[^\n]*\n|[ \t]*\n)*/.exec(text)?.[0] ?? "")) {
    throw new BuiltinError("yaml: found unknown directive name");
  }
  const document = firstDocument(text, pay);
  if (document === undefined) return null;
  const [fault] = document.errors;
  if (document.errors.some(({ code }) => code === "RESOURCE_EXHAUSTION"))
    throw new BuiltinLimit("yaml: the text is nested too deeply");
  if (fault !== undefined) throw new BuiltinError("yaml: the text cannot be read");
  return new Reader(document, pay).value(document.contents, 0);
}

function firstDocument(text: string, pay: Pay): Document.Parsed | undefined {
  const composer = new Composer({ version: "1.1", schema: "failsafe", uniqueKeys: false, logLevel: "silent" });
  for (const document of composer.compose(tokensOf(text, pay), false, text.length)) return document;
  return undefined;
}

/** What the package's Parser makes of a text. */
function* tokensOf(text: string, pay: Pay): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    pay(PER_LEXEME);
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

class Reader {
  readonly #document: Document.Parsed;
  #anchors: ReadonlyMap<string, Node> | undefined;
  readonly #pay: Pay;
  #count = 0;

  constructor(document: Document.Parsed, pay: Pay) {
    this.#document = document;
    this.#pay = pay;
  }

  value(node: unknown, depth: number): RegoValue {
    if (depth > MAX_DEPTH || ++this.#count > MAX_VALUES) throw new BuiltinLimit("yaml: document is too large");
    this.#pay(PER_VALUE);
    if (isAlias(node)) return this.value(this.#target(node.source), depth + 1);
    if (isSeq(node)) return node.items.map((item) => this.value(item, depth + 1));
    if (isMap(node)) return this.#object(node.items, depth);
    return isScalar(node) ? scalarValue(node) : null;
  }

  #target(name: string): Node {
    this.#anchors ??= anchorsOf(this.#document.contents);
    const found = this.#anchors.get(name);
    if (found === undefined) throw new BuiltinError(`yaml: unknown anchor '${name}' referenced`);
    return found;
  }

  /** Merged members first: the object's own win. */
  #object(pairs: readonly { readonly key: unknown; readonly value: unknown }[], depth: number): RegoValue {
    const merged: [string, RegoValue][] = [];
    const own: [string, RegoValue][] = [];
    for (const { key, value } of pairs) {
      const isMerge = isScalar(key) && key.value === "<<" && key.type === Scalar.PLAIN;
      if (isMerge) merged.push(...this.#merge(value, depth));
      else own.push([keyText(this.value(key, depth + 1)), this.value(value, depth + 1)]);
    }
    return new RegoObject([...merged, ...own]);
  }

  #merge(node: unknown, depth: number): readonly [string, RegoValue][] {
    const value = this.value(node, depth + 1);
    const sources = isRegoArray(value) ? value.toReversed() : [value];
    return sources.flatMap((source) => {
      if (!(source instanceof RegoObject)) throw new BuiltinError("yaml: map merge requires map or sequence of maps");
      return [...source.entries()].map(([key, item]): [string, RegoValue] => [keyText(key), item]);
    });
  }
}

/** Of two of one name the last counts. */
function anchorsOf(contents: unknown): ReadonlyMap<string, Node> {
  const anchors = new Map<string, Node>();
  const look = (node: unknown): void => {
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isSeq(node)) for (const item of node.items) look(item);
    if (isMap(node)) for (const { key, value } of node.items) [key, value].forEach(look);
  };
  look(contents);
  return anchors;
}

function scalarValue(node: Scalar): RegoValue {
  const text = typeof node.value === "string" ? node.value : (node.source ?? "");
  const tag = node.tag?.startsWith(TAG) === true ? node.tag.slice(TAG.length) : undefined;
  if (tag === "binary") {
    const bytes = decodeBase64(text);
    if (bytes === undefined) throw new BuiltinError("yaml: !!binary value contains invalid base64 data");
    return textOfBytes(bytes);
  }
  const isPlain = node.type === Scalar.PLAIN && node.tag === undefined;
  if (!isPlain && (tag === undefined || tag === "str")) return text;
  const resolved = resolveScalar(text);
  if (resolved.kind === "special") throw new BuiltinError("json: unsupported value");
  return resolved.kind === "text" ? text : resolved.value;
}

function keyText(key: RegoValue): string {
  if (typeof key === "string") return key;
  if (typeof key === "boolean" || key instanceof RegoNumber) return writeJson(key);
  throw new BuiltinError("yaml: unsupported map key");
}
