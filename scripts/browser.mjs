// Prints the path of the Chromium that browser tests drive, and installs one first where there is none.
import { bootstrap } from "./lib/bootstrap.mjs";
import { ensureBrowser } from "./lib/browser.mjs";

await bootstrap(async () => console.log(await ensureBrowser()));
