// The README's pictures of the dashboard: `npm run picture -- FILE.csv.gz`.
import { bootstrap } from "./lib/bootstrap.mjs";
import { ensureBrowser } from "./lib/browser.mjs";
import { buildAll } from "./lib/build.mjs";
import { environment, inRoot, run } from "./lib/project.mjs";

await bootstrap(async () => {
  const env = { ...environment(), HEADWATER_CHROMIUM: await ensureBrowser() };
  await buildAll();
  return (
    await run(process.execPath, [inRoot("test", "e2e", "dashboard-picture.ts"), ...process.argv.slice(2)], { env })
  ).code;
});
