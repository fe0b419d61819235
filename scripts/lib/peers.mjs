// What the benches measure Headwater against. They are large and nobody else needs them, so they have locks of their own, and
// are installed when somebody measures for the first time.
import { isInstalled, npmCi } from "./install.mjs";

/**
 * @param {string} folder relative to the root
 * @returns {Promise<string | null>} why they could not be installed; null if they are there
 */
export async function installPeers(folder) {
  if (isInstalled(folder)) return null;
  console.log("Installing what is measured against …");
  const { code, output } = await npmCi(folder, { capture: true });
  return code === 0 ? null : `npm ci in ${folder} failed: ${output.trim()}`;
}
