// Test files about what goes wrong now and then by its nature: a failure in one of them that does not come again is what the test is for. They are not
// run once more (once-more.js). What runs beside them all the same, test-files.ts says.
export const BY_CHANCE =
  /^test.(fault|contract).|hostile|mutated|killed|race|fuzz|flood|concurren|clock|counted|crowded|held|half|runaway|swap|secrets|places|turns|refused|relay|leave|replacing|decision-log|edge-matrix|enforcer-parity/;
