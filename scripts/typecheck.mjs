// Checks every room's types under its own settings; see the rooms' tsconfig.json files.
import { bootstrap } from "./lib/bootstrap.mjs";
import { typecheck } from "./lib/typecheck.mjs";

await bootstrap(async () => ((await typecheck()) ? 0 : 1));
