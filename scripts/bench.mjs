// Measurements whose figures stand in the README.
import { bootstrap } from "./lib/bootstrap.mjs";
import { exists, inRoot, run } from "./lib/project.mjs";
import { buildAll } from "./lib/build.mjs";

await bootstrap(async () => {
  if (!exists("dist/demo/index.html")) await buildAll(); // the worker serves it
  return (await run(process.execPath, [inRoot("test", "bench", "rows-written.ts")])).code;
});
