/** The append request for readers of the documentation. What checks it is `#protocol`, event by event. */
import * as v from "valibot";
import { AppendRequestSchema } from "#protocol";

const AttributeSchema = v.nullable(v.union([v.string(), v.number(), v.boolean()]));

const EventSchema = v.pipe(
  v.objectWithRest(
    {
      type: v.exactOptional(v.pipe(v.string(), v.description("Default: click"))),
      time: v.exactOptional(
        v.pipe(
          v.union([v.number(), v.string()]),
          v.description("Milliseconds since the epoch, or ISO 8601. Default: now"),
        ),
      ),
    },
    AttributeSchema,
  ),
  v.description("Flat: every other member is an attribute; null means absent"),
);

export const AppendBodySchema = v.object({
  ...AppendRequestSchema.entries,
  context: v.exactOptional(
    v.pipe(v.record(v.string(), AttributeSchema), v.description("Attributes that lie under every event")),
  ),
  events: v.pipe(v.array(EventSchema), v.minLength(1)),
});
