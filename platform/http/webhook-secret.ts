/** The secret of Standard Webhooks 1.0: `whsec_` and base64 of 24 to 64 bytes. */

/** What deliveries are signed with; undefined for any other text. */
export function webhookKeyOf(secret: string): Buffer | undefined {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())?.[1] ?? "";
  const key = Buffer.from(encoded, "base64");
  return key.length < 24 || key.length > 64 ? undefined : key;
}
