/**
 * Appends a value to those of its name. NB: in place; a name may repeat as often as a request has room for, and copying each time would be
 * quadratic.
 */
export function appendTo<Value>(lists: Map<string, Value[]>, name: string, value: Value): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}
