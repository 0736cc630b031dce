/** What may be shown and recorded of a query (rule 9): names, never values. What a policy wants people to see, it puts into `display`. */

/** `?amount=40&dry` → `amount=***&***`. NB: a part without `=`, or with nothing behind it (base64 ends so), may be a value: it is masked. */
export function maskQuery(query: string): string {
  if (query.length <= 1) return "";
  return query
    .slice(1)
    .split("&")
    .map((part) => {
      const end = part.indexOf("=");
      return end < 0 || /^=*$/.test(part.slice(end)) ? "***" : `${part.slice(0, end)}=***`;
    })
    .join("&");
}
