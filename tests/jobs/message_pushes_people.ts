import { type AcceptInput, acceptMessage } from "../../db/domain/messages/accept.ts";
import { ChannelType } from "../../db/schema/messages.ts";
import { drainPending, type PushReport } from "../../jobs/push.ts";
import type { Push, PushMessage } from "../../providers/push.ts";
import type { TestApp } from "../harness.ts";
import { type Chatter, makeChatter } from "../people/group.ts";

/** A device service that keeps what it took, in order. */
export class KeepingPush implements Push {
  readonly taken: PushMessage[] = [];
  constructor(private readonly answer: (message: PushMessage) => void = () => {}) {}
  // deno-lint-ignore require-await -- what `answer` throws has to come as a rejection
  async send(message: PushMessage): Promise<void> {
    this.answer(message);
    this.taken.push(message);
  }
  /** What was taken since the last look: `token title: content [badge]`. */
  next(): string[] {
    return this.taken.splice(0).map(({ token, title, content, badge }) =>
      `${token} ${title}: ${content} [${badge ?? ""}]`
    );
  }
}

/** Somebody whose phone is named for them. */
export async function makePhoneOwner(
  app: TestApp,
  name: string,
  { type = "JPUSH" }: { type?: string } = {},
): Promise<Chatter> {
  const person = await makeChatter(app, name);
  await namePhone(person, { token: name, type });
  return person;
}

export async function namePhone(
  person: Chatter,
  { token, type = "JPUSH" }: { token: string; type?: string },
): Promise<void> {
  const body = { device_token: token, device_type: type, bundle_id: "com.example.chat" };
  await person.ask("POST", "/user/device_token", { body });
}

export async function drainAll(app: TestApp, push: Push): Promise<PushReport> {
  let total: PushReport | undefined;
  for (let batch = 0; batch < 100; batch++) {
    const { report, isLast } = await drainPending(app.ctx, push, (line) => app.logs.push(line));
    total = total
      ? Object.fromEntries(
        Object.entries(total).map(([name, count]) => [
          name,
          count + report[name as keyof PushReport],
        ]),
      ) as unknown as PushReport
      : report;
    if (isLast) break;
  }
  return total!;
}

type Said = Partial<Omit<AcceptInput, "payload">> & { payload?: object };

const text = (content: string) => ({ type: 1, content });

export async function sayTo(
  app: TestApp,
  sender: Chatter | undefined,
  to: Chatter,
  said: string | Said = "hi",
) {
  const channel = { type: ChannelType.person, userId: to.userId };
  return await say(app, sender, said, channel);
}

export async function sayIn(
  app: TestApp,
  sender: Chatter | undefined,
  groupNo: string,
  said: string | Said = "hi",
) {
  return await say(app, sender, said, { type: ChannelType.group, groupNo });
}

async function say(
  app: TestApp,
  sender: Chatter | undefined,
  said: string | Said,
  channel: AcceptInput["channel"],
) {
  const over = typeof said === "string" ? { payload: text(said) } : said;
  const { payload = text("hi"), ...rest } = over;
  return await acceptMessage(app.ctx, {
    senderId: sender?.userId,
    channel,
    clientMsgNo: undefined,
    redDot: true,
    ...rest,
    payload: JSON.stringify(payload),
  });
}
