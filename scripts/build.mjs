// Builds the SDK (dist/sdk) and the command line (dist/cli), which `npm pack` ships, and the demo (dist/demo, what the worker serves).
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";

await bootstrap(buildAll);
