/** What the author of the source has to mend: told as it stands, without a stack. */
export class BuildFault extends Error {}
