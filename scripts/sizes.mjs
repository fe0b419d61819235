// What a page loads, in bytes, beside its budgets: `npm run sizes`.
import { bootstrap } from "./lib/bootstrap.mjs";
import { judgeSizes, measureSizes, sizesTable } from "./lib/sizes.mjs";

await bootstrap(async () => {
  const sizes = await measureSizes();
  for (const line of sizesTable(sizes)) console.log(line);
  const wrong = judgeSizes(sizes);
  for (const line of wrong) console.error(line);
  return wrong.length > 0 ? 1 : 0;
});
