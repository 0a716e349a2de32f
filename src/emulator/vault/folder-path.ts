/** The folder that holds everything else. */
export const rootFolder = "/";

/**
 * Brings a folder to the one form that Vault replies with: a slash at both ends and none doubled. `x`, `/x` and `/x/`
 * are the same folder.
 */
export function normaliseFolder(folder: string): string {
  const segments = folder.split("/").filter((segment) => segment !== "");
  return segments.length === 0 ? rootFolder : `/${segments.join("/")}/`;
}

/** Splits the path of a normalised folder other than the root into the folder that holds it and its own name. */
export function splitFolder(path: string): { readonly folder: string; readonly name: string } {
  const cut = path.lastIndexOf("/", path.length - 2);
  return { folder: path.slice(0, cut + 1), name: path.slice(cut + 1, -1) };
}
