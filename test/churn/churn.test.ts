/** Some of the churn; `npm run test:churn` is the long one. */
import { expect, test } from "vitest";
import { churn, describe } from "./churn.ts";

const SECONDS = 30;
const TIMEOUT_MS = 300_000;

/** Another one each time: what a fixed one could find it would have found. The report says which. */
const seed = Number(process.env["HEADWATER_CHURN_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test.each([
  ["with", true],
  ["without", false],
])(
  `replays, promotions, trims and power cuts, seed ${seed}, %s an archive: every click counts once, and all views are verified`,
  async (_, archive) => {
    const report = await churn({ seconds: SECONDS, seed, archive, say: () => {} });
    console.log(describe(report));
    expect(report.faults, describe(report)).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
