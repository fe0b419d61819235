/**
 * The worker's entry, as wrangler.toml names it: the fetch handler and the two Durable Object classes.
 */
import { createApp } from "./routes/app.ts";

export { PartitionObject } from "./partition/partition-object.ts";
export { StreamObject } from "./stream/stream-object.ts";

export default { fetch: createApp().fetch } satisfies ExportedHandler<Env>;
