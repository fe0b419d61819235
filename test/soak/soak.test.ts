/** A minute of the soak; `npm run test:soak` is the long one. */
import { expect, test } from "vitest";
import { planStep } from "./actions.ts";
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
    expect(report, text).toMatchObject({ lost: [], stuck: [], twice: [], unbalanced: [] });
    expect(report.durable).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test("the same seed makes the same plan, whatever the steps before have thrown", () => {
  const plan = (thrown: number) =>
    Array.from({ length: 200 }, (_, n) => {
      const { action, dice } = planStep(seed, n);
      const first = dice();
      for (let i = 0; i < thrown; i++) dice();
      return `${action.name} ${first}`;
    });
  expect(plan(0)).toEqual(plan(3));
  expect(planStep(seed, 0).dice()).not.toBe(planStep(seed + 1, 0).dice());
});
