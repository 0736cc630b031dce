/** A module: its package, then imports and rules; in Rego v1, as which `rego.parse_module` takes every text. */
import type { Pay } from "../../builtin.ts";
import { isLanguageWord } from "./cursor.ts";
import { RuleReader } from "./rule-reader.ts";
import { type Import, type Package, refOf, type Rule, type Term, text, variable } from "./syntax.ts";
import { fault, type Token } from "./tokens.ts";

type ReadModule = {
  readonly package: Package;
  readonly imports: readonly Import[];
  readonly rules: readonly Rule[];
  readonly comments: readonly Token[];
};

/** @throws BuiltinError when it is no module, BuiltinLimit when it is nested too deep */
export function readModule(source: string, pay: Pay): ReadModule {
  const isText = source.isWellFormed() && !source.includes("\0") && source.lastIndexOf("\ufeff") <= 0;
  if (!isText) throw fault("illegal character");
  return new ModuleReader(source, pay).module();
}

class ModuleReader extends RuleReader {
  module(): ReadModule {
    const imports: Import[] = [];
    const rules: Rule[] = [];
    if (!this.#begins("package")) throw fault("package expected");
    const path = this.#package();
    while (!this.is("end")) {
      if (this.#begins("package")) throw fault("unexpected package");
      if (this.#begins("import")) imports.push(this.#import());
      else rules.push(...this.rules());
    }
    return { package: { path }, imports, rules, comments: this.comments() };
  }

  /** And not as the name that a reference begins with. */
  #begins(word: string): boolean {
    return this.is(word) && !this.isFollowedBy(".", "[");
  }

  #package(): readonly Term[] {
    this.#name();
    const [name, ...path] = this.#path();
    return [variable("data"), text(name), ...path.map(text)];
  }

  /** Steps to the name behind the word that stands here, which may be a keyword. */
  #name(): void {
    this.scan();
    if (this.isWord()) this.renameToIdentifier();
    this.expect("identifier");
  }

  #path(): readonly [name: string, ...path: string[]] {
    const term = this.term();
    const [name, ...path] = term.type === "ref" ? term.value : [term];
    if (name?.type !== "var") throw this.unexpected("expected path");
    return [name.value, ...path.map((part) => this.#member(part))];
  }

  #member(part: Term): string {
    if (part.type !== "string") throw this.unexpected("expected string");
    return part.value;
  }

  #import(): Import {
    this.#name();
    const [root, ...members] = this.withoutFutureKeywords(() => this.#path());
    const path = refOf([variable(root), ...members.map(text)]);
    const alias = this.skip("as") ? this.#alias() : undefined;
    if (root === "future") this.#importFuture(members, alias);
    else this.#checkImport(root, members, alias);
    return alias === undefined ? { path } : { path, alias };
  }

  #alias(): string {
    this.expect("identifier");
    const alias = this.term();
    if (alias.type !== "var") throw this.unexpected("expected var");
    return alias.value;
  }

  #importFuture([keywords, word, ...more]: readonly string[], alias: string | undefined): void {
    if (keywords !== "keywords" || alias !== undefined) throw fault("invalid import, must be `future.keywords`");
    this.importKeyword(more.length === 0 ? word : undefined);
  }

  /** `import rego.v1` changes nothing: all is read so. */
  #checkImport(root: string, members: readonly string[], alias: string | undefined): void {
    if (root === "rego" && members.join() !== "v1") throw fault("invalid import, must be `rego.v1`");
    if (!["data", "input", "rego"].includes(root)) throw fault("unexpected import path");
    if (alias === undefined && isLanguageWord(members.at(-1) ?? "")) throw fault("must not end with a keyword");
  }
}
