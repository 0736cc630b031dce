/**
 * The accounts of the sample: dana asks, max approves, sam watches. An account is what one issuer calls somebody; the e-mail address is what
 * says which human it is, so a second issuer that knows dana under another subject still speaks of the same person.
 */

export type Account = {
  /** What one asks the issuer for. */
  readonly user: string;
  /** The `sub` of its tokens. */
  readonly subject: string;
  readonly email: string;
  readonly groups: readonly string[];
  /** Further claims, such as `act` or `suspended`. They never replace the issuer's own. */
  readonly claims?: Readonly<Record<string, unknown>>;
};

export const SAMPLE_ACCOUNTS: readonly Account[] = [
  { user: "dana", subject: "dana", email: "dana@example.com", groups: ["engineers", "developers"] },
  { user: "max", subject: "max", email: "max@example.com", groups: ["managers"] },
  { user: "sam", subject: "sam", email: "sam@example.com", groups: ["security"] },
];
