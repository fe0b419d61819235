// The soak, for as long as it is told: `npm run test:soak -- --seconds 600 --seed 7`. The seed is printed.
import { bootstrap } from "./lib/bootstrap.mjs";
import { ensureBrowser } from "./lib/browser.mjs";
import { buildAll } from "./lib/build.mjs";
import { environment, exists, inRoot, run } from "./lib/project.mjs";

await bootstrap(async () => {
  const browser = await ensureBrowser();
  if (!exists("dist/demo/index.html")) await buildAll(); // the worker serves it
  const env = { ...environment(), HEADWATER_CHROMIUM: browser };
  return (await run(process.execPath, [inRoot("test", "soak", "main.ts"), ...process.argv.slice(2)], { env })).code;
});
