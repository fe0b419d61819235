// `npm run export -- --stream clicks …`: the command line's `export`, from a checkout. The same as `npx headwater export`.
import { runCli } from "./lib/run-cli.mjs";

await runCli("export");
