// `npm run import -- FILE.csv[.gz] …`: the command line's `import`, from a checkout. The same as `npx headwater import`.
import { runCli } from "./lib/run-cli.mjs";

await runCli("import");
