/**
 * Free text of requesters and reviewers as it is stored: well-formed and without U+0000, which neither canonical JSON nor a text column can hold.
 * Everything else stays as it was written; whoever shows it escapes it.
 */
export function plainText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
