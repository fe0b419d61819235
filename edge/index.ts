/**
 * The worker's entry, as wrangler.toml names it: the fetch handler and the two Durable Object classes.
 */
import { createApp } from "./routes/app.ts";
import { liveQuestions } from "./routes/live.ts";
import { StreamObject as BareStreamObject } from "./stream/stream-object.ts";

export { PartitionObject } from "./partition/partition-object.ts";

/** With what answers its live feed, which stands above its room. */
export class StreamObject extends BareStreamObject {
  protected override readonly liveQuestions = liveQuestions;
}

export default { fetch: createApp().fetch } satisfies ExportedHandler<Env>;
