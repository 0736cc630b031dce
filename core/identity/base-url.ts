/** What a decision point, or an endpoint of access requests, is known as: compared letter by letter, and shown to everybody. */
import { hasCredentials } from "../../platform/config/addresses.ts";

export const BASE_URL = "has to be an https address without user, query, fragment and slash at its end";

export function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "https:" && !hasCredentials(url) && !/[?#]|\/$/.test(text);
}
