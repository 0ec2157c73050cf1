/** What a page says of itself, ready to be shown: texts bounded, addresses absolute http(s). */
export interface LinkPreview {
  /** `""` when the page names no picture. */
  image: string;
  description: string;
  title: string;
  url: string;
}

/**
 * A preview, or why there is none: `refused` for links we follow for nobody, `unreadable` for what
 * is there and is no page with a title, `unreachable` for what did not work this time, `busy` when
 * too many are being read already.
 * `reason` is for logs and tests, never for whoever asked.
 */
export type LinkAnswer =
  | { preview: LinkPreview }
  | { failure: "refused" | "unreadable" | "unreachable" | "busy"; reason: string };

export interface LinkReader {
  /** Never throws, and answers within three seconds. */
  read(url: string): Promise<LinkAnswer>;
}
