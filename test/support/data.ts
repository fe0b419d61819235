// The real clicks that some tests are about: a month and more of an ad server's log, with the answers that a batch job
// computed from it. They are not part of the repository; HEADWATER_DATA names their folder.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/lib/project.mjs";

const folder = process.env.HEADWATER_DATA ?? join(root, "..", "shared", "data");

/** The log itself, gzipped CSV. */
export const clicksFile = join(folder, "clicks-2013-janfeb.csv.gz");

/** A file of known answers. */
export const truthFile = (name: string): string => join(folder, "truth", name);

export const haveData = existsSync(clicksFile);

/**
 * `describe` for tests that need the real clicks. Without them the suite is skipped, and its title says so in the
 * report, so that a run on another machine does not look as if it had proved more than it did.
 */
export function describeWithData(title: string, body: () => void): void {
  if (haveData) describe(title, body);
  else describe.skip(`${title} (skipped: no clicks in ${folder}; set HEADWATER_DATA)`, body);
}
