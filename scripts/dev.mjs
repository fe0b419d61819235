// `wrangler dev` for people who work on the worker: arguments are passed on, so that
// `npm run dev -- --port 9000 --persist-to DIR --var ADMIN_TOKEN:secret` does what wrangler's documentation says.
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";
import { assertFree, devArguments, portOf } from "./lib/dev-server.mjs";
import { exists, run } from "./lib/project.mjs";

await bootstrap(async () => {
  const args = process.argv.slice(2);
  await assertFree(portOf(args));
  if (!exists("dist/demo/index.html")) await buildAll();
  return (await run(process.execPath, devArguments(args))).code;
});
