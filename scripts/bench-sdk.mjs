// The SDK beside other trackers, in real Chromium: `npm run bench:sdk`, or some of it:
// `npm run bench:sdk -- faults,sizes --only headwater,snowplow`.
import { bootstrap } from "./lib/bootstrap.mjs";
import { ensureBrowser } from "./lib/browser.mjs";
import { buildSdk } from "./lib/build-sdk.mjs";
import { installPeers } from "./lib/peers.mjs";
import { environment, inRoot, run, UserError } from "./lib/project.mjs";

await bootstrap(async () => {
  const failure = await installPeers("test/bench/sdk/peers");
  if (failure !== null) throw new UserError(failure);
  const browser = await ensureBrowser();
  await buildSdk(); // always: what is measured is what the sources say now
  const env = { ...environment(), HEADWATER_CHROMIUM: browser };
  return (await run(process.execPath, [inRoot("test", "bench", "sdk.ts"), ...process.argv.slice(2)], { env })).code;
});
