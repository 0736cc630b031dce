/**
 * Whether a path has a segment that is `.` or `..`, for the client or any upstream: literal or as `%2e`, between `/` or `\`, either of which may
 * be escaped, and also before a `;`, at which some frameworks cut a segment before they look at its dots (`/public/..;/admin`). Escapes are
 * decoded once: `%252e` is the text `%2e`, and an upstream that decodes twice reads paths that nobody sent.
 */
const DOT_SEGMENT = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=$|[/\\;]|%2f|%5c|%3b)/i;

/** @param path without query, as it came */
export function hasDotSegment(path: string): boolean {
  return DOT_SEGMENT.test(path);
}
