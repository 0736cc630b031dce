/** Rows that the store hands to the relays and to the sealer. */

export type KeyVersion = { readonly key: string; readonly version: number };

/** `event`: its JSON, to the letter. */
export type OutboxRow = { readonly id: string; readonly event: string };
