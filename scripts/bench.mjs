// Measurements whose figures stand in the README: `npm run bench`, or some sections of it, with arguments for them:
// `npm run bench -- queries --events 10000000`.
import { bootstrap } from "./lib/bootstrap.mjs";
import { buildAll } from "./lib/build.mjs";
import { installPeers } from "./lib/peers.mjs";
import { exists, inRoot, run, UserError } from "./lib/project.mjs";

/** By name: the file that measures, and what it needs. Run in this order. */
const SECTIONS = {
  rows: { file: "rows-written.ts", needs: { worker: true, peers: false } },
  appends: { file: "appends.ts", needs: { worker: true, peers: false } },
  beside: { file: "replay-beside-appends.ts", needs: { worker: true, peers: false } },
  replay: { file: "replay.ts", needs: { worker: true, peers: false } },
  archive: { file: "archive.ts", needs: { worker: true, peers: false } },
  feed: { file: "feed.ts", needs: { worker: true, peers: false } },
  rollup: { file: "rollup.ts", needs: { worker: false, peers: false } },
  queries: { file: "queries.ts", needs: { worker: false, peers: true } },
};

await bootstrap(async () => {
  const args = process.argv.slice(2);
  const firstOption = args.findIndex((arg) => arg.startsWith("-"));
  const names = firstOption < 0 ? args : args.slice(0, firstOption);
  const options = args.slice(names.length);
  for (const name of names) {
    if (!Object.hasOwn(SECTIONS, name)) throw new UserError(`no bench "${name}": ${Object.keys(SECTIONS).join(", ")}`);
  }
  let worst = 0;
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\n## ${name}\n`);
    worst = Math.max(worst, await measure(section, options));
  }
  return worst;
});

/**
 * @param {{ file: string, needs: { worker: boolean, peers: boolean } }} section
 * @param {string[]} options
 * @returns {Promise<number>} the exit code
 */
async function measure({ file, needs }, options) {
  if (needs.worker && !exists("dist/demo/index.html")) await buildAll(); // the worker serves it
  if (needs.peers) {
    const failure = await installPeers("test/bench/peers");
    if (failure !== null) {
      console.log(`skipped: ${failure}`);
      return 0;
    }
  }
  return (await run(process.execPath, [inRoot("test", "bench", file), ...options])).code;
}
