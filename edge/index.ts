/**
 * The worker's entry, as wrangler.toml names it: the fetch handler and the two Durable Object classes.
 */
import { DurableObject } from "cloudflare:workers";
import { createApp } from "./routes/app.ts";

export class PartitionObject extends DurableObject<Env> {}
export { StreamObject } from "./stream/stream-object.ts";

export default { fetch: createApp().fetch } satisfies ExportedHandler<Env>;
