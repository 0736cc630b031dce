/**
 * Where a reader of Rego stands in the text. States are values: to go back is to take an earlier one, with the comments and the count of
 * wildcards that it had. Each token is paid when it is read, however often that is, so that a text that can be read in many ways costs what
 * it takes.
 */
import { BuiltinError, BuiltinLimit, type Pay } from "../../builtin.ts";
import { fault, templateAt, type Token, tokenAt } from "./tokens.ts";

export type State = Token & {
  /** A line ended right before it. */
  readonly isOnNewLine: boolean;
  readonly wildcards: number;
  readonly comments: Comments | undefined;
};
type Comments = { readonly last: Token; readonly before: Comments | undefined };

/** In fuel, and so measured that a microsecond costs about 4,400 (prices.ts): reading, and making the part of the tree. */
const PER_TOKEN = 6_000;
const PER_COMMENT = 10_000;
const PER_CHARACTER = 50;
const PER_FAULT = 25_000;
/** Of terms, bodies and operators in each other: each needs stack here, and where the tree is written and read. */
const MAX_DEPTH = 300;

/** Words of the language; `and`, `or` and `not { }` only after an import. */
const LANGUAGE = "package import as default else not some with null true false in every contains if".split(" ");
const FUTURE = ["in", "every", "contains", "if", "not", "and", "or"];
const WORDS: ReadonlySet<string> = new Set(LANGUAGE);

export class Cursor {
  protected state: State;
  protected readonly source: string;
  readonly #pay: Pay;
  /** By where what cannot be read begins: it is looked at once, however often a reader comes back. */
  readonly #unreadable = new Map<string, BuiltinError>();
  #keywords: ReadonlySet<string> = WORDS;
  #hasNotBodies = false;
  #depth = 0;
  #height = 0;

  constructor(source: string, pay: Pay) {
    this.source = source;
    this.#pay = pay;
    const start = source.startsWith("\ufeff") ? 1 : 0;
    const nothing = { kind: "start", text: "", from: start, to: start };
    this.state = { ...nothing, isOnNewLine: false, wildcards: 0, comments: undefined };
    this.scan();
  }

  /** What stands here; a method and no getter, since it is another after each step. */
  protected kind(): string {
    return this.state.kind;
  }

  protected is(...kinds: readonly string[]): boolean {
    return kinds.includes(this.state.kind);
  }

  /** Steps to what comes next and is neither space nor comment. */
  protected scan(): void {
    do this.scanSpace();
    while (this.is("space"));
  }

  /** The same, but space counts. */
  protected scanSpace(): void {
    let { comments } = this.state;
    let isOnNewLine = this.is("space") && this.state.isOnNewLine;
    for (let at = this.state.to; ; ) {
      const token = this.#read("token", at, (from) => tokenAt(this.source, from));
      at = token.to;
      if (token.kind === "comment") {
        this.#pay(PER_COMMENT);
        comments = { last: token, before: comments };
        continue;
      }
      isOnNewLine ||= token.kind === "space" && token.text.includes("\n");
      const isKeyword = token.kind === "identifier" && this.#keywords.has(token.text);
      this.state = { ...this.state, ...token, kind: isKeyword ? token.text : token.kind, isOnNewLine, comments };
      return;
    }
  }

  protected scanTemplate(isRaw: boolean): void {
    const token = this.#read(isRaw ? "raw" : "template", this.state.to, (from) => templateAt(this.source, from, isRaw));
    this.state = { ...this.state, ...token, isOnNewLine: false };
  }

  #read(kind: string, at: number, read: (at: number) => Token): Token {
    const place = `${kind} ${at}`;
    const known = this.#unreadable.get(place);
    let token: Token;
    try {
      if (known !== undefined) throw known;
      token = read(at);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      this.#unreadable.set(place, error);
      this.#pay(PER_FAULT + (known === undefined ? PER_CHARACTER * (this.source.length - at) : 0));
      throw error;
    }
    this.#pay(PER_TOKEN + PER_CHARACTER * (token.to - token.from));
    return token;
  }

  protected skip(kind: string): boolean {
    const found = this.is(kind);
    if (found) this.scan();
    return found;
  }

  protected expect(kind: string): void {
    if (!this.is(kind)) throw this.unexpected(`expected ${kind}`);
  }

  protected unexpected(note: string): BuiltinError {
    this.#pay(PER_FAULT);
    return fault(`unexpected ${this.state.kind} token: ${note}`);
  }

  /** What `read` gives; undefined, and back where it began, when it cannot be read so. */
  protected attempt<T>(read: () => T): T | undefined {
    const { state } = this;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      this.state = state;
      return undefined;
    }
  }

  /** For what holds others of its kind. @throws BuiltinLimit beyond what can be written */
  protected nested<T>(read: () => T): T {
    const height = this.#height;
    if (++this.#depth > MAX_DEPTH) throw new BuiltinLimit("the Rego module is nested too deep");
    this.#height = 0;
    let within = 0;
    try {
      const result = read();
      within = this.#height + 1;
      return result;
    } finally {
      this.#depth--;
      this.#height = Math.max(height, within);
    }
  }

  /** For an operator in a chain of them: what stands left of it is now one level further down. */
  protected grow(): void {
    this.raise(this.#height + 1);
  }

  /** What was read has at least this many levels. */
  protected raise(height: number): void {
    this.#height = Math.max(this.#height, height);
    if (this.#height > MAX_DEPTH) throw new BuiltinLimit("the Rego module is nested too deep");
  }

  protected get height(): number {
    return this.#height;
  }

  protected wildcard(): string {
    const { wildcards } = this.state;
    this.state = { ...this.state, wildcards: wildcards + 1 };
    return `$${wildcards}`;
  }

  /** The very next character, which is the next token if it is one of these. */
  protected isFollowedBy(...chars: readonly string[]): boolean {
    return chars.includes(this.source[this.state.to] ?? "");
  }

  /** Whether a keyword stands here, which may also be a name in a reference. */
  protected isWord(): boolean {
    return WORDS.has(this.state.kind) || this.#keywords.has(this.state.kind);
  }

  /** A keyword that begins a reference is a name. */
  protected takeAsName(): boolean {
    const isName = this.isWord() && this.isFollowedBy(".", "[");
    if (isName) this.renameToIdentifier();
    return isName;
  }

  protected renameToIdentifier(): void {
    this.state = { ...this.state, kind: "identifier" };
  }

  protected hasLogicalKeywords(): boolean {
    return this.#keywords.has("and") || this.#keywords.has("or");
  }

  protected hasNotBodies(): boolean {
    return this.#hasNotBodies;
  }

  /** As the path of an import is read: it may end in the keyword that it imports. */
  protected withoutFutureKeywords<T>(read: () => T): T {
    const keywords = this.#keywords;
    this.#keywords = new Set([...keywords].filter((word) => !FUTURE.includes(word)));
    try {
      return read();
    } finally {
      this.#keywords = keywords;
    }
  }

  /** One keyword, or all. */
  protected importKeyword(word?: string): void {
    if (word !== undefined && !FUTURE.includes(word)) throw fault("unexpected keyword");
    const added = word === undefined ? FUTURE : [word];
    this.#keywords = new Set([...this.#keywords, ...added]);
    this.#hasNotBodies ||= added.includes("not");
  }

  /** In their order. */
  protected comments(): readonly Token[] {
    const tokens: Token[] = [];
    for (let rest = this.state.comments; rest !== undefined; rest = rest.before) tokens.push(rest.last);
    return tokens.toReversed();
  }
}

export const isLanguageWord = (word: string): boolean => WORDS.has(word);
