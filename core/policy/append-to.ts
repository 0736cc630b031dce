/** Puts a value behind those of its name. NB: in place; names repeat as often as a request has room for, and a copy for each would be their square. */
export function appendTo<Value>(lists: Map<string, Value[]>, name: string, value: Value): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}
