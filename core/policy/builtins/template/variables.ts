/**
 * The variables that are declared at one place of a template, by name: to declare one and to find one takes the same time
 * however many there are. What is declared after a mark is gone by `backTo` that mark, and shows what it had hidden.
 */
export class Variables<T> {
  readonly #byName = new Map<string, { value: T }[]>();
  readonly #names: string[] = [];

  declare(name: string, value: T): void {
    const hidden = this.#byName.get(name);
    if (hidden === undefined) this.#byName.set(name, [{ value }]);
    else hidden.push({ value });
    this.#names.push(name);
  }

  /** The one that was declared last. */
  find(name: string): { value: T } | undefined {
    return this.#byName.get(name)?.at(-1);
  }

  mark(): number {
    return this.#names.length;
  }

  backTo(mark: number): void {
    for (const name of this.#names.splice(mark)) this.#byName.get(name)?.pop();
  }
}
