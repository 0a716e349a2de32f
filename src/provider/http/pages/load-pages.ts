type Pages = typeof import("./pages.ts");

let loaded: Pages | undefined;

/**
 * The pages. They are loaded once: to find a module that is there already takes longer than to fill a page. A load that fails
 * is tried again with the next page.
 */
export async function loadPages(): Promise<Pages> {
  loaded ??= await import("./pages.ts");
  return loaded;
}
