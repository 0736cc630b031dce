/**
 * Tokens of a GraphQL text, by graphql's own lexer, and the small steps that both parsers take over them. graphql's own
 * parser is not used: the tree that policies see holds comments, and the grammar is that of OPA's library.
 */
import { GraphQLError, Lexer, Source, TokenKind } from "graphql";
import { BuiltinError, BuiltinLimit } from "../../builtin.ts";
import type { RegoObject, RegoValue } from "../../rego-value/value.ts";
import { node } from "./shapes.ts";

type Token = { readonly kind: TokenKind; readonly value: string; readonly comments: readonly string[] };

const MAX_TOKENS = 50_000;
const MAX_DEPTH = 200;

export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get token(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new BuiltinError("unexpected end of the GraphQL text");
    return token;
  }

  is(kind: TokenKind, value?: string): boolean {
    return this.token.kind === kind && (value === undefined || this.token.value === value);
  }

  /** The comments right before this token. */
  comment(): RegoObject | undefined {
    const list: RegoValue[] = this.token.comments.map((text) => node("Comment", { Value: text }));
    return list.length === 0 ? undefined : node("CommentGroup", { List: list });
  }

  skip(kind: TokenKind, value?: string): boolean {
    const found = this.is(kind, value);
    if (found) this.#at++;
    return found;
  }

  take(kind: TokenKind, value?: string): string {
    const token = this.token;
    if (!this.skip(kind, value)) throw new BuiltinError(`unexpected ${token.kind} in the GraphQL text`);
    return token.value;
  }

  name(): string {
    return this.take(TokenKind.NAME);
  }

  /** Items up to the closing token; none at all when the opening one is not there. */
  list(
    open: TokenKind,
    close: TokenKind,
    item: () => RegoObject,
    mayBeEmpty = false,
  ): { readonly items: readonly RegoObject[]; readonly comment: RegoObject | undefined } {
    if (!this.skip(open)) return { items: [], comment: undefined };
    if (++this.#depth > MAX_DEPTH) throw new BuiltinLimit("the GraphQL text is nested too deep");
    const items: RegoObject[] = [];
    while (!this.is(close)) items.push(item());
    if (items.length === 0 && !mayBeEmpty) throw new BuiltinError("expected at least one definition");
    const comment = this.comment();
    this.#at++;
    this.#depth--;
    return { items, comment };
  }
}

function tokensOf(text: string): readonly Token[] {
  const lexer = new Lexer(new Source(text));
  const tokens: Token[] = [];
  try {
    for (;;) {
      const token = lexer.advance();
      const comments: string[] = [];
      for (let before = token.prev; before?.kind === TokenKind.COMMENT; before = before.prev) {
        comments.unshift(`#${before.value ?? ""}`);
      }
      tokens.push({ kind: token.kind, value: token.value ?? "", comments });
      if (token.kind === TokenKind.EOF) return tokens;
      if (tokens.length > MAX_TOKENS) throw new BuiltinLimit("the GraphQL text is too long");
    }
  } catch (error) {
    if (error instanceof GraphQLError) throw new BuiltinError("GraphQL syntax error", { cause: error });
    throw error;
  }
}
