/** Conditions. Type-strict: 1, "1" and true are three values. */
import * as v from "valibot";
import { ENGINE_LIMITS, type Tests, type Where } from "#engine";
import { isQueryableName } from "#protocol";
import { INPUT_LIMITS } from "../limits.ts";
import { closedObject, jsonObject, OrderedValueSchema, ValueSchema } from "./common.ts";

const ListSchema = v.pipe(
  v.array(ValueSchema),
  v.minLength(1, "at least one value"),
  v.maxLength(ENGINE_LIMITS.listMax, `at most ${ENGINE_LIMITS.listMax} values`),
);

/** Tests of one attribute, all of which must hold. */
const TestsSchema = v.pipe(
  closedObject({
    eq: v.exactOptional(v.nullable(ValueSchema)),
    ne: v.exactOptional(v.nullable(ValueSchema)),
    in: v.exactOptional(ListSchema),
    notIn: v.exactOptional(ListSchema),
    gt: v.exactOptional(OrderedValueSchema),
    gte: v.exactOptional(OrderedValueSchema),
    lt: v.exactOptional(OrderedValueSchema),
    lte: v.exactOptional(OrderedValueSchema),
    exists: v.exactOptional(v.boolean()),
  }),
  v.minEntries(1, "at least one test"),
);

/** A value (null: absent), or tests. */
export const ConditionSchema = v.union([ValueSchema, v.null(), TestsSchema]);

/** All entries must hold. `{}` holds for everything. */
export const WhereSchema: v.GenericSchema<unknown, Where> = v.pipe(
  jsonObject,
  v.objectWithRest(
    {
      or: v.exactOptional(
        v.pipe(
          v.array(v.lazy(() => WhereSchema)),
          v.minLength(1, "at least one condition"),
          v.maxLength(ENGINE_LIMITS.listMax, `at most ${ENGINE_LIMITS.listMax} conditions`),
        ),
      ),
      not: v.exactOptional(v.lazy(() => WhereSchema)),
    },
    ConditionSchema,
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const name of Object.keys(dataset.value)) {
      if (name === "or" || name === "not" || isQueryableName(name)) continue;
      const path = [{ type: "object", origin: "key", input: dataset.value, key: name, value: undefined }] as const;
      addIssue({ message: "not the name of an attribute", path: [...path] });
    }
  }),
  v.check(
    (where) => depthOf(where) <= ENGINE_LIMITS.whereDepthMax,
    `nested deeper than ${ENGINE_LIMITS.whereDepthMax}`,
  ),
  v.check((where) => testsOf(where) <= INPUT_LIMITS.whereTestsMax, `more than ${INPUT_LIMITS.whereTestsMax} tests`),
);

const nestedIn = (where: Where): readonly Where[] => [
  ...(where.or ?? []),
  ...(where.not === undefined ? [] : [where.not]),
];

const depthOf = (where: Where): number => 1 + Math.max(0, ...nestedIn(where).map(depthOf));

function testsOf(where: Where): number {
  let tests = 0;
  for (const [name, condition] of Object.entries(where)) {
    if (name === "or" || name === "not") continue;
    tests += typeof condition === "object" && condition !== null ? Object.keys(condition as Tests).length : 1;
  }
  return nestedIn(where).reduce((sum, nested) => sum + testsOf(nested), tests);
}
