import type { Outbox } from "./outbox.ts";
import type { Push } from "./push.ts";

export function developmentPush(outbox: Outbox): Push {
  return {
    send({ token, title, content, url, badge, id }) {
      outbox.putOnce(id, { kind: "push", to: token, text: `${title}\n${content}\n${url}`, badge });
      return Promise.resolve();
    },
  };
}
