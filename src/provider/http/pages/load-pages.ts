let loading: Promise<typeof import("./pages.ts")> | undefined;

/** The pages, loaded with the first one that is shown: to find a module that is there already takes longer than to fill a page. */
export function loadPages(): Promise<typeof import("./pages.ts")> {
  loading ??= import("./pages.ts");
  return loading;
}
