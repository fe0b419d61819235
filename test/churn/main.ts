/** `npm run test:churn -- --seconds 600 --seed 7 --archive`. */
import { parseArgs } from "node:util";
import { churn, describe } from "./churn.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string" },
    archive: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) {
  console.error("usage: npm run test:churn -- --seconds 600 --seed 7 [--archive]");
  process.exit(2);
}
const { archive } = values;
console.log(`seed ${seed}, ${seconds} s, ${archive ? "with" : "without"} an archive`);
const report = await churn({ seconds, seed, archive, say: console.log });
console.log(describe(report));
console.log(report.faults.length === 0 ? "clean" : "NOT CLEAN");
process.exit(report.faults.length === 0 ? 0 : 1);
