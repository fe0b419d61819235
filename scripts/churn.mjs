// The churn, for as long as it is told: `npm run test:churn -- --seconds 600 --seed 7`. The seed is printed.
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";
import { environment, exists, inRoot, run } from "./lib/project.mjs";

await bootstrap(async () => {
  if (!exists("dist/demo/index.html")) await buildAll(); // the worker serves it
  const main = inRoot("test", "churn", "main.ts");
  return (await run(process.execPath, [main, ...process.argv.slice(2)], { env: environment() })).code;
});
