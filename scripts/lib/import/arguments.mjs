// What the import command is told: a file, where to, and which columns mean what.
import { parseArgs } from "node:util";
import { UserError } from "../project.mjs";

export const USAGE = `Usage: npm run import -- FILE.csv[.gz] --stream NAME --endpoint URL --key ik_… [options]

The header's names become attributes; an empty cell is an absent attribute; cells are strings unless said otherwise.

  --time COLUMN      event time: milliseconds since the epoch, or ISO 8601 (default: the column \`time\`)
  --ad COLUMN        becomes \`adId\`
  --user COLUMN      becomes \`userId\`
  --number COLUMN    its cells are numbers (may be repeated)
  --rename OLD=NEW   gives a column another name (may be repeated)
  --skip COLUMN      leaves a column out (may be repeated)
  --import-id ID     names this import, instead of the file's content: for a file that has grown since`;

/**
 * @typedef {object} ImportArguments
 * @property {string} file
 * @property {string} endpoint without a slash at its end
 * @property {string} stream
 * @property {string} key
 * @property {string | undefined} importId
 * @property {string | undefined} time
 * @property {ReadonlySet<string>} numbers
 * @property {ReadonlyMap<string, string>} renames column → attribute
 * @property {ReadonlySet<string>} skipped
 */

/**
 * @param {readonly string[]} argv
 * @returns {ImportArguments}
 */
export function parseImportArguments(argv) {
  const { values, positionals } = parse(argv);
  const file = positionals[0];
  const { stream, endpoint, key } = values;
  if (positionals.length !== 1 || file === undefined) throw new UserError(`one file is needed.\n\n${USAGE}`);
  if (!stream || !endpoint || !key) throw new UserError(`--stream, --endpoint and --key are needed.\n\n${USAGE}`);
  if (!URL.canParse(endpoint)) throw new UserError(`--endpoint ${endpoint} is not a URL.`);
  const renames = new Map((values.rename ?? []).map(parseRename));
  if (values.ad !== undefined) renames.set(values.ad, "adId");
  if (values.user !== undefined) renames.set(values.user, "userId");
  return {
    file,
    endpoint: endpoint.replace(/\/+$/, ""),
    stream,
    key,
    importId: values["import-id"],
    time: values.time,
    numbers: new Set(values.number),
    renames,
    skipped: new Set(values.skip),
  };
}

/** @param {readonly string[]} argv */
function parse(argv) {
  const string = /** @type {const} */ ({ type: "string" });
  const strings = /** @type {const} */ ({ type: "string", multiple: true });
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        stream: string,
        endpoint: string,
        key: string,
        time: string,
        ad: string,
        user: string,
        number: strings,
        rename: strings,
        skip: strings,
        "import-id": string,
      },
    });
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

/**
 * @param {string} rename
 * @returns {[string, string]}
 */
function parseRename(rename) {
  const [from, to, ...more] = rename.split("=");
  if (!from || !to || more.length > 0) throw new UserError(`--rename ${rename} is not OLD=NEW.`);
  return [from, to];
}
