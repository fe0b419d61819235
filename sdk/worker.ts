/** Entry of the dedicated worker. */
import { expose } from "comlink";
import { Host } from "./host.ts";

expose(new Host());
