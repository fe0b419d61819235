/** A minute of the soak; `npm run test:soak` is the long one. */
import { expect, test } from "vitest";
import { judge, soak } from "./soak.ts";

const SECONDS = 60;
const TIMEOUT_MS = 300_000;

/** Another one each time: what a fixed one could find it would have found. The report says which. */
const seed = Number(process.env["HEADWATER_SOAK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(
  `a minute of everything that can happen, seed ${seed}: nothing lost, nothing twice, nothing stuck`,
  async () => {
    const report = await soak({ seconds: SECONDS, seed, say: () => {} });
    const { text } = judge(report);
    console.log(text);
    expect(report, text).toMatchObject({ lost: [], twice: [], unbalanced: [] });
    expect(report.durable).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
