/** The package as `npm pack` makes it, unpacked where a consumer would have it. Needs dist/sdk: `npm run build`.
 * The command line is built anew: that takes no time, and an old one would be tested as if it were today's. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCli } from "../../scripts/lib/build-cli.mjs";
import { environment, inRoot, root } from "../../scripts/lib/project.mjs";

export interface Packed {
  readonly tarball: string;
  /** A folder with the package in its node_modules; whoever asks for it removes it. */
  readonly consumer: string;
  /** Paths in the package. */
  readonly files: readonly string[];
}

export async function packAndUnpack(): Promise<Packed> {
  await buildCli();
  const consumer = mkdtempSync(join(tmpdir(), "headwater-consumer-"));
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", consumer], {
    cwd: root,
    env: environment(),
    encoding: "utf8",
  });
  const [{ filename, files }] = JSON.parse(output) as [{ filename: string; files: { path: string }[] }];
  const modules = join(consumer, "node_modules");
  mkdirSync(join(modules, "headwater"), { recursive: true });
  const tarball = join(consumer, filename);
  execFileSync("tar", ["-xzf", tarball, "-C", join(modules, "headwater"), "--strip-components=1"]);
  // What a consumer would have installed beside it: the dependencies of headwater/edge.
  for (const name of ["hono", "valibot", "@valibot"]) symlinkSync(inRoot("node_modules", name), join(modules, name));
  return { tarball, consumer, files: files.map(({ path }) => path) };
}
