/** Exit code of a configuration that is refused (EX_CONFIG of sysexits.h), so that a supervisor need not start again. */
export const EX_CONFIG = 78;
