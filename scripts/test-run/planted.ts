/**
 * What is in no log of any program that a test started, whatever the test is about: planted secrets, which all carry one mark, and what is a secret by
 * its form, so that nobody has to plant it: a whole token, a private key, the secret of a webhook.
 */

/** Stands in every secret that a test makes up, and nowhere else. */
export const MARK = "CANARY0";

/** Of the mark inside a longer text, wherever it begins there: what its base64 has in common. The same in base64url. */
const inBase64 = [0, 1, 2].map((before) => {
  const text = Buffer.from("\0".repeat(before) + MARK)
    .toString("base64")
    .replace(/=+$/, "");
  const isWhole = (before + MARK.length) % 3 === 0;
  return text.slice(before === 0 ? 0 : before + 1, isWhole ? undefined : -1);
});

const FORMS = [
  {
    what: "a planted secret",
    form: [MARK, MARK.toLowerCase(), Buffer.from(MARK).toString("hex"), ...inBase64].join("|"),
  },
  { what: "a whole token", form: String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}` },
  { what: "a private key", form: "BEGIN [A-Z ]*PRIVATE KEY" },
  { what: "a webhook's secret", form: String.raw`whsec_[\w+/-]{16,}` },
] as const;

const ANY = new RegExp(FORMS.map(({ form }) => `(${form})`).join("|"));
/** Before what was found: enough to see who said it. */
const SHOWN = 160;

/** What of it stands in a line, and the line up to there; undefined where nothing does. */
export function plantedIn(line: string): string | undefined {
  const found = ANY.exec(line);
  if (found === null) return undefined;
  const { what } = FORMS[found.slice(1).findIndex((group) => group !== undefined)] ?? { what: "a secret" };
  return `${what}: ${line.slice(Math.max(0, found.index - SHOWN), found.index)}⟨here⟩`;
}
