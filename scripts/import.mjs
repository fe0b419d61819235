// Loads a CSV file into a stream: `npm run import -- FILE.csv[.gz] --stream clicks --endpoint URL --key ik_…`.
//
// Can be stopped at any time and run again without counting anything twice: every row has a fixed producer and sequence
// that follow from the file's content alone, so the edge knows what it already has.
import { bootstrap } from "./lib/bootstrap.mjs";

await bootstrap(async () => {
  // Only now: what it imports may have been installed a moment ago.
  const { runImport } = await import("./lib/import/run.mjs");
  return runImport(process.argv.slice(2));
});
