import type { Outbox } from "./outbox.ts";
import type { Push } from "./push.ts";

export function developmentPush(outbox: Outbox): Push {
  return {
    send({ to, title, content, url, id }) {
      outbox.putOnce(id, { kind: "push", to, text: `${title}\n${content}\n${url}` });
      return Promise.resolve();
    },
  };
}
