/** The folder that holds everything else. */
export const ROOT_FOLDER = "/";

/**
 * Brings a folder to the one form that Vault replies with: a slash at both ends and none doubled. `x`, `/x` and `/x/`
 * are the same folder.
 */
export function normaliseFolder(folder: string): string {
  const segments = folder.split("/").filter((segment) => segment !== "");
  return segments.length === 0 ? ROOT_FOLDER : `/${segments.join("/")}/`;
}

/** Splits a normalised folder other than the root into its parent and its own name. */
export function splitFolder(folder: string): { readonly parent: string; readonly name: string } {
  const cut = folder.lastIndexOf("/", folder.length - 2);
  return { parent: folder.slice(0, cut + 1), name: folder.slice(cut + 1, -1) };
}
