/** Exit code of a refused configuration (EX_CONFIG of sysexits.h), so that a supervisor need not start the process again. */
export const EX_CONFIG = 78;
