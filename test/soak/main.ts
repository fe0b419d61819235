/** `npm run test:soak -- --seconds 600 --seed 7`. */
import { parseArgs } from "node:util";
import { judge, soak } from "./soak.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "600" }, seed: { type: "string" } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) {
  console.error("usage: npm run test:soak -- --seconds 600 --seed 7");
  process.exit(2);
}
console.log(`seed ${seed}, ${seconds} s`);
const { clean, text } = judge(await soak({ seconds, seed, say: console.log }));
console.log(text);
console.log(clean ? "clean" : "NOT CLEAN");
process.exit(clean ? 0 : 1);
