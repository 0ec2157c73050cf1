import { askIm, type ChatLogin, registerChat } from "../../clients/im.ts";
import type { TestApp } from "../../harness.ts";

/** A person of the chat app whose session is in the cache, as after any first call. */
export async function warmChatPerson(app: TestApp, name = "Toby"): Promise<ChatLogin> {
  const person = await registerChat(app, name);
  await askIm(app, "GET", "/user/customerservices", { token: person.token });
  return person;
}
