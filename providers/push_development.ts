import type { Outbox } from "./outbox.ts";
import type { Push } from "./push.ts";

/** How many ids are remembered, as many as the outbox keeps messages. */
const REMEMBERED_COUNT_MAX = 1_000;

/** Keeps every notification in `outbox`, once each; never fails. */
export function developmentPush(outbox: Outbox): Push {
  const seen = new Set<string>();
  return {
    send({ to, title, content, url, id }) {
      if (seen.has(id)) return Promise.resolve();
      seen.add(id);
      if (seen.size > REMEMBERED_COUNT_MAX) seen.delete(seen.values().next().value!);
      outbox.put({ kind: "push", to, text: `${title}\n${content}\n${url}` });
      return Promise.resolve();
    },
  };
}
