/** The platform itself as a contender: what is left of an append when it does next to nothing. See `floor-worker.js`. */
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { connectProducers } from "./headwater.ts";
import { startModule } from "./raw-workerd.ts";

/** @param folder for its storage, removed by the caller */
export async function startFloor(folder: string): Promise<Contender> {
  const worker = join(import.meta.dirname, "floor-worker.js");
  const workerd = await startModule(worker, { LOG: "FloorLog" }, folder);
  const connect = connectProducers(workerd.port, "/events", "bench");
  return { name: "workerd floor", pid: workerd.pid, connect, stop: () => workerd.stop() };
}
